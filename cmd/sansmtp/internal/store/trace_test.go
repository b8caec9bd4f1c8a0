package store

import "testing"

func TestTraceInFrontOfContent(t *testing.T) {
	for _, k := range kinds {
		spec := k.spec(t.TempDir())
		s, err := spec.Open(Config{Host: "mx.example", Trace: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := deliver(s, "From x\r\n", 3); err != nil {
			t.Fatal(err)
		}
		want := "From x\r\n"
		if k.name != kindJSONL {
			want = "Return-Path: <a@b.example>\r\n" + envelope.Received + want
		}
		wantKept(t, k, spec, []string{want}, nil)
	}
}
