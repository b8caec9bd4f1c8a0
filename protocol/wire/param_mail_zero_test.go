package wire_test

import (
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Every parameter by itself makes MailParams something to be sent.
func TestMailParamsIsZero(t *testing.T) {
	if zero := (wire.MailParams{}); !zero.IsZero() {
		t.Error("no parameters are some")
	}
	for name, p := range map[string]wire.MailParams{
		"Size":       {Size: 1},
		"Body":       {Body: wire.Body7Bit},
		"SMTPUTF8":   {SMTPUTF8: true},
		"Ret":        {Ret: wire.RetFull},
		"EnvID":      {EnvID: "x"},
		"Auth":       {Auth: "<>"},
		"RequireTLS": {RequireTLS: true},
		"By":         {By: wire.DeliverByTime{Mode: 'N'}},
		"Priority":   {Priority: wire.Priority{Given: true}},
		"HoldFor":    {HoldFor: 1},
		"HoldUntil":  {HoldUntil: time.Unix(1, 0)},
		"Extra":      {Extra: []wire.Param{{Keyword: "X"}}},
	} {
		if p.IsZero() {
			t.Errorf("%s alone is none", name)
		}
	}
}
