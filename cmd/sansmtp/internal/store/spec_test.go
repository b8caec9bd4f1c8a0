package store

import "testing"

func TestParseSpec(t *testing.T) {
	for _, in := range []string{"discard", "stdout", "jsonl:a", "mbox:a/b", "maildir:C:/x"} {
		var spec Spec
		if err := spec.UnmarshalText([]byte(in)); err != nil || spec.String() != in {
			t.Errorf("%q: %v, %v", in, spec, err)
		}
	}
	if got := (Spec{}).String(); got != "discard" {
		t.Errorf("zero value: %q", got)
	}
	for in, want := range map[string]string{
		"":          `store "": not one of discard, stdout, jsonl:FILE, mbox:FILE, maildir:DIR`,
		"Mbox:x":    `store "Mbox:x": not one of discard, stdout, jsonl:FILE, mbox:FILE, maildir:DIR`,
		"mbox":      "store mbox: no file behind the colon",
		"mbox:":     "store mbox: no file behind the colon",
		"stdout:x":  "store stdout: takes no file",
		"discard:x": "store discard: takes no file",
	} {
		if spec, err := ParseSpec(in); err == nil || err.Error() != want || spec != (Spec{}) {
			t.Errorf("%q: %v, %v", in, spec, err)
		}
	}
}
