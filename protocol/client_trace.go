package protocol

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// tracedLine is what was planned and is reported once it is lent.
type tracedLine struct {
	end   int64
	event TraceEvent
}

// traceCommand notes planned command lines. Redaction is a property of the task.
func (c *Client) traceCommand(t task, lines []byte) {
	at := c.out.planned
	for line := range bytes.SplitSeq(bytes.TrimSuffix(lines, []byte("\r\n")), []byte("\r\n")) {
		at += int64(len(line) + 2)
		c.traces = append(c.traces, tracedLine{at, TraceEvent{Kind: TraceSent, Line: redact(t, string(line))}})
	}
}

func redact(t task, line string) string {
	switch x := t.(type) {
	case *exchange:
		if secret, is := x.steps.(Redacter); is {
			return secret.Redacted()
		}
	case *command:
		if verb, args, _ := strings.Cut(line, " "); x.cmd.Secret && args != "" {
			return verb + " ***"
		}
	}
	return line
}

// traceContent notes content that ends at the end of what is planned.
func (c *Client) traceContent(octets int64) {
	line := "(" + strconv.FormatInt(octets, 10) + " octets of content)"
	c.traces = append(c.traces, tracedLine{c.out.planned, TraceEvent{Kind: TraceContent, Line: line, Octets: octets}})
}

// traceSent reports what has been lent by now.
func (c *Client) traceSent(now time.Time) {
	for ; c.unsent < len(c.traces) && c.traces[c.unsent].end <= c.out.lent; c.unsent++ {
		e := c.traces[c.unsent].event
		e.Time = now
		c.cfg.Trace(e)
	}
	if c.unsent > len(c.traces)/2 {
		n := copy(c.traces, c.traces[c.unsent:])
		clear(c.traces[n:])
		c.traces, c.unsent = c.traces[:n], 0
	}
}

// traceReply reports a reply line by line. A line is made by Reply.String, which
// leaves nothing that a terminal would act on.
func (c *Client) traceReply(now time.Time, r wire.Reply) {
	rest, more := r.Text, true
	for more {
		r.Text, rest, more = strings.Cut(rest, "\n")
		line := r.String()
		if more {
			line = line[:3] + "-" + strings.TrimPrefix(line[3:], " ")
		}
		c.cfg.Trace(TraceEvent{Time: now, Kind: TraceReceived, Line: line})
	}
}

func (c *Client) traceTLS(now time.Time) {
	c.cfg.Trace(TraceEvent{Time: now, Kind: TraceTLS, Line: fmt.Sprintf("TLS 1.%d", c.tls.Version-0x0301)})
}
