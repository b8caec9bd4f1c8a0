package store

import (
	"fmt"
	"io"
	"unicode/utf8"
)

// utf8Check finds out whether octets that come in pieces are UTF-8.
type utf8Check struct {
	broken bool
	rest   []byte // of a character that is not whole yet
}

func (u *utf8Check) write(p []byte) {
	for len(u.rest) > 0 && len(p) > 0 && !u.broken {
		u.rest, p = append(u.rest, p[0]), p[1:]
		if utf8.FullRune(u.rest) {
			u.broken = !utf8.Valid(u.rest)
			u.rest = u.rest[:0]
		}
	}
	if u.broken || len(p) == 0 {
		return
	}
	whole := len(p)
	for back := 1; back < utf8.UTFMax && back <= len(p); back++ {
		if at := len(p) - back; utf8.RuneStart(p[at]) {
			if !utf8.FullRune(p[at:]) {
				whole = at
			}
			break
		}
	}
	u.rest = append(u.rest, p[whole:]...)
	u.broken = !utf8.Valid(p[:whole])
}

// valid reports whether all that was written is UTF-8.
func (u *utf8Check) valid() bool { return !u.broken && len(u.rest) == 0 }

// jsonEscaper writes UTF-8 as it stands in a JSON string, in whatever pieces it comes.
type jsonEscaper struct{ out io.Writer }

func (e jsonEscaper) Write(p []byte) (int, error) {
	done := 0
	for i, c := range p {
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		if _, err := e.out.Write(p[done:i]); err != nil {
			return done, err
		}
		if _, err := io.WriteString(e.out, jsonEscape(c)); err != nil {
			return i, err
		}
		done = i + 1
	}
	n, err := e.out.Write(p[done:])
	return done + n, err
}

// jsonEscape is RFC 8259 §7 for the octets that need it.
func jsonEscape(c byte) string {
	switch c {
	case '"', '\\':
		return `\` + string(rune(c))
	case '\r':
		return `\r`
	case '\n':
		return `\n`
	case '\t':
		return `\t`
	}
	return fmt.Sprintf(`\u%04x`, c)
}
