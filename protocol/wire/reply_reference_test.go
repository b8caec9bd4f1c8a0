package wire_test

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// replyOutcome is all that a stream of replies comes to.
type replyOutcome struct {
	Replies []wire.Reply
	Taken   int    // octets of the stream
	Err     string // its text, or ""
	Pending bool
}

// parseReplies feeds the pieces of a stream to p as a driver does.
func parseReplies(p *wire.ReplyParser, pieces ...string) (o replyOutcome) {
	for _, piece := range pieces {
		for b := []byte(piece); len(b) > 0; {
			n, r, done, err := p.Parse(b)
			clear(b[:n]) // what kept a part of its input shows it
			if done {
				o.Replies = append(o.Replies, r)
			}
			b = b[n:]
			o.Taken += n
			if err != nil {
				o.Err = err.Error()
				o.Pending = p.Pending()
				return o
			}
			if !done && len(b) > 0 {
				o.Err = fmt.Sprintf("not done with %d octets left", len(b))
				return o
			}
		}
	}
	o.Pending = p.Pending()
	return o
}

// referenceReplies is the grammar said another way: octet by octet, nothing
// kept but the lines, one regular expression for the enhanced code.
func referenceReplies(p wire.ReplyParser, stream string) (o replyOutcome) {
	bound := func(v, def int) int {
		if v > 0 {
			return v
		}
		return def
	}
	maxLine := bound(p.MaxLine, wire.DefaultMaxReplyLine)
	maxLines := bound(p.MaxLines, wire.DefaultMaxReplyLines)
	maxSize := bound(p.MaxSize, wire.DefaultMaxReplySize)
	var lines []string
	line, size := "", 0
	digit := func(c byte) bool { return '0' <= c && c <= '9' }
	for i := range len(stream) {
		c := stream[i]
		fault := func(element, reason string) replyOutcome {
			o.Taken = i
			o.Err = fmt.Sprintf("%s: %s at offset %d", element, reason, size)
			return o
		}
		octet := fmt.Sprintf("octet 0x%02X", c)
		at := len(line)
		switch afterCR := at > 0 && line[at-1] == '\r'; {
		case at == 0 && len(lines) == maxLines:
			return fault("reply", "too many lines")
		case size >= maxSize && (at < maxLine || maxLine-at >= maxSize-size):
			return fault("reply", "too long")
		case at >= maxLine:
			return fault("reply line", "too long")
		case at == 0 && !strings.ContainsRune("2345", rune(c)):
			return fault("reply code", "first digit is not 2 to 5 but "+octet)
		case at < 3 && !digit(c):
			return fault("reply code", "not three digits but "+octet)
		case at == 2 && len(lines) > 0 && line+string(c) != lines[0][:3]:
			return fault("reply code", line+string(c)+" after "+lines[0][:3]+" in one reply")
		case at == 3 && !strings.ContainsRune(" -\r\n", rune(c)):
			return fault("reply line", "neither blank, hyphen nor line end behind the code but "+octet)
		case afterCR && c != '\n' && (at == 4 || p.StrictCRLF):
			return fault("reply line", "CR without LF")
		case !afterCR && c == '\n' && p.StrictCRLF:
			return fault("reply line", "LF without CR")
		}
		line += string([]byte{c})
		size++
		if c != '\n' {
			continue
		}
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		last := len(line) == 3 || line[3] == ' '
		lines = append(lines, line)
		line = ""
		if last {
			o.Replies = append(o.Replies, referenceReply(p.Enhanced, lines))
			lines, size = nil, 0
		}
	}
	o.Taken = len(stream)
	o.Pending = size > 0
	return o
}

var enhancedPrefix = regexp.MustCompile(`^([245])\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})( |$)`)

func referenceReply(enhanced bool, lines []string) (r wire.Reply) {
	if _, err := fmt.Sscanf(lines[0][:3], "%d", &r.Code); err != nil {
		panic(err)
	}
	var texts []string
	prefix := ""
	for i, line := range lines {
		text := ""
		if len(line) > 4 {
			text = line[4:]
		}
		if i == 0 && enhanced && text != "" && text[0] == line[0] {
			if m := enhancedPrefix.FindStringSubmatch(text); m != nil {
				prefix = strings.TrimSuffix(m[0], " ")
				if _, err := fmt.Sscanf(prefix, "%d.%d.%d", &r.Enhanced.Class, &r.Enhanced.Subject, &r.Enhanced.Detail); err != nil {
					panic(err)
				}
			}
		}
		if prefix != "" {
			if text == prefix {
				text = ""
			} else if t, ok := strings.CutPrefix(text, prefix+" "); ok {
				text = t
			}
		}
		texts = append(texts, text)
	}
	r.Text = strings.Join(texts, "\n")
	return r
}
