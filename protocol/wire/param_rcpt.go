package wire

import "time"

// RcptParams are the parameters of RCPT. The zero value has none.
//
// Strings are decoded; where nothing in them was encoded they share the memory
// of the line that was parsed.
type RcptParams struct {
	Notify NotifySet         // NOTIFY
	ORCPT  OriginalRecipient // ORCPT
	RRVS   ValidSince        // RRVS
	Extra  []Param           // parameters this package does not know; see ParseOptions.Extra
}

// Needs returns the extensions a server must offer for these parameters to be
// sent. Parameters in Extra do not count.
func (p *RcptParams) Needs() ExtensionSet {
	if p.none() {
		return 0
	}
	return neededBy(rcptParameters[:], p)
}

// none reports that there are no parameters, as for most recipients: a look at
// the table would take longer than all else that a recipient costs.
func (p *RcptParams) none() bool {
	// Field by field: the compiler makes calls of == for the structs.
	at := &p.RRVS
	return p.Notify == 0 && p.ORCPT.Type == "" && p.ORCPT.Addr == "" &&
		at.Action == 0 && at.Time == time.Time{} && len(p.Extra) == 0
}

// rcptParameters are the parameters of RCPT, in the order in which they are
// written.
var rcptParameters = [...]parameter[RcptParams]{
	{
		keyword: "NOTIFY", extension: DSN,
		given:  func(p *RcptParams) bool { return p.Notify != 0 },
		parse:  func(p *RcptParams, v string) error { return p.Notify.parse(v) },
		append: func(dst []byte, p *RcptParams, _ bool) ([]byte, error) { return p.Notify.appendTo(dst) },
	},
	{
		keyword: "ORCPT", extension: DSN,
		given: func(p *RcptParams) bool { return p.ORCPT != OriginalRecipient{} },
		parse: func(p *RcptParams, v string) error { return p.ORCPT.parse(v) },
		append: func(dst []byte, p *RcptParams, allow8bit bool) ([]byte, error) {
			return p.ORCPT.appendTo(dst, allow8bit)
		},
	},
	{
		keyword: "RRVS", extension: RRVS,
		given:  func(p *RcptParams) bool { return p.RRVS != ValidSince{} },
		parse:  func(p *RcptParams, v string) error { return p.RRVS.parse(v) },
		append: func(dst []byte, p *RcptParams, _ bool) ([]byte, error) { return p.RRVS.appendTo(dst) },
	},
}
