package fault

import (
	"strconv"
	"strings"
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Action is what a server does at a step. First it waits for Delay; then Break ends the
// conversation, or else the step is answered.
type Action struct {
	Delay time.Duration
	// Reply is the answer; the zero value stands for the one of the server.
	Reply wire.Reply
	// BareLF ends the lines of the answer with LF in place of CRLF.
	BareLF bool
	// Split writes the answer octet by octet.
	Split bool
	// Break ends the conversation, in place of the answer.
	Break Break
	// After, if over 0, answers first, and breaks when so many octets of content were
	// read. It is for Data, Bdat and Content.
	After int64
}

// Break is a way to end a conversation.
type Break uint8

// The ways to end a conversation.
const (
	NoBreak Break = iota
	Drop          // closes the connection
	Reset         // closes it with a reset
	Hang          // says nothing more until the client closes
)

var breaks = [...]string{Drop: "drop", Reset: "reset", Hang: "hang"}

// String returns the word that scripts have for it, and "" for NoBreak.
func (b Break) String() string {
	if int(b) >= len(breaks) {
		return "Break(" + strconv.Itoa(int(b)) + ")"
	}
	return breaks[b]
}

// AppendReply appends what the action makes of the answer of the server, as it goes
// over the wire: own, or Reply in its place, with the line ends that are asked for.
func (a Action) AppendReply(dst []byte, own wire.Reply) []byte {
	if a.Reply != (wire.Reply{}) {
		own = a.Reply
	}
	start := len(dst)
	dst = own.AppendTo(dst)
	if !a.BareLF {
		return dst
	}
	// No CR stands anywhere but in front of the LF of a line end.
	end := start
	for _, c := range dst[start:] {
		if c != '\r' {
			dst[end] = c
			end++
		}
	}
	return dst[:end]
}

// String returns the action as it stands in a script.
func (a Action) String() string {
	var words []string
	if a.Delay != 0 {
		words = append(words, "delay", a.Delay.String())
	}
	if a.Break != NoBreak {
		words = append(words, a.Break.String())
		if a.After != 0 {
			words = append(words, "after", sizeString(a.After))
		}
	}
	if a.BareLF {
		words = append(words, bareLF)
	}
	if a.Split {
		words = append(words, split)
	}
	if a.Reply != (wire.Reply{}) {
		words = append(words, replyString(a.Reply))
	}
	return strings.Join(words, " ")
}

// escapes makes the text of a reply into that of a script.
var escapes = strings.NewReplacer("\\", `\\`, "\n", `\n`, ";", `\;`)

func replyString(r wire.Reply) string {
	b := []byte(r.Code.String())
	if !r.Enhanced.IsZero() {
		b = r.Enhanced.AppendTo(append(b, ' '))
	}
	if r.Text != "" {
		b = append(append(b, ' '), escapes.Replace(r.Text)...)
	}
	return string(b)
}

// unit is a unit of sizes.
type unit struct {
	name   string
	octets int64
}

// units are those that scripts know, the largest first.
var units = [...]unit{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

// sizeString writes a size in the largest unit that goes into it without a rest.
func sizeString(n int64) string {
	for _, u := range units {
		if n%u.octets == 0 {
			return strconv.FormatInt(n/u.octets, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}
