package protocol

import (
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// A client's conversation is a sequence of steps. Each step is one reply that is
// awaited; which reply is next was settled when its command was planned. The table
// below is the whole of it: what each step takes for success, how long it may
// take, and which steps may follow. Client.dispatch judges every reply by it and
// checks every move against it, and the diagram in the package documentation is
// printed from it.

// step names what an awaited reply answers.
type step uint8

const (
	stepGreeting step = iota
	stepEHLO          // EHLO or LHLO
	stepHELO
	stepSTARTTLS
	stepExchange // a line of AUTH, or of a Task
	stepCommand  // Do
	stepWait     // WaitFor: no command at all
	stepRSET
	stepMAIL
	stepRCPT
	stepDATA
	stepBDAT    // a chunk that is not the last
	stepContent // the verdict on the content: the end of data, or the last chunk
	stepLoneDot // the verdict on content that no recipient is there for
	stepQUIT
	steps
)

// stepSet is a set of steps.
type stepSet uint16

func setOf(s ...step) (set stepSet) {
	for _, s := range s {
		set |= 1 << s
	}
	return set
}

func (set stepSet) has(s step) bool { return set&(1<<s) != 0 }

// verdict is what a reply means to the step that awaited it.
type verdict uint8

const (
	wrong   verdict = iota // well-formed, but not an answer to this: a protocol error
	ok                     // the step is done
	more                   // the peer asks for what comes next
	refused                // 4yz or 5yz
)

// stepRule is a row of the table.
type stepRule struct {
	command string // what the step answers, in errors and traces
	awaited string // the reply, in errors

	ok      wire.Code // the one code that is success, or any2yz; 0: none is (H-T12)
	more    wire.Code // the one 3yz that asks for more, or any3yz; 0: none does (C120)
	timeout func(*Timeouts) time.Duration

	// Which steps may follow each verdict. A refusal of the greeting or a missing
	// set ends the conversation.
	afterOK, afterMore, afterRefusal stepSet
}

// Stand-ins for a whole class of codes.
const (
	any2yz wire.Code = 2
	any3yz wire.Code = 3
)

// starts are the steps with which an operation can begin. MAIL stands behind a
// RSET where the transaction before it failed.
var starts = setOf(stepEHLO, stepSTARTTLS, stepExchange, stepCommand, stepWait, stepRSET, stepMAIL, stepQUIT)

var stepRules = [steps]stepRule{
	stepGreeting: {
		command: "greeting", awaited: "greeting", ok: wire.CodeServiceReady,
		timeout: func(t *Timeouts) time.Duration { return t.Greeting },
		// RFC 5321 §3.1: after a 554 only QUIT makes sense.
		afterOK: starts, afterRefusal: setOf(stepQUIT),
	},
	stepEHLO: {
		command: "EHLO", awaited: "reply to EHLO", ok: wire.CodeOK, timeout: commandTimeout,
		afterOK: starts, afterRefusal: starts | setOf(stepHELO),
	},
	stepHELO: {
		command: "HELO", awaited: "reply to HELO", ok: wire.CodeOK, timeout: commandTimeout,
		afterOK: starts, afterRefusal: starts,
	},
	stepSTARTTLS: {
		command: "STARTTLS", awaited: "reply to STARTTLS", ok: wire.CodeServiceReady, timeout: commandTimeout,
		// The handshake is not a reply; EHLO comes first behind it (RFC 3207 §4.2).
		afterOK: setOf(stepEHLO), afterRefusal: starts,
	},
	stepExchange: {
		command: "exchange", awaited: "reply to an exchange", ok: any2yz, more: any3yz, timeout: commandTimeout,
		afterOK: starts | setOf(stepExchange), afterMore: starts | setOf(stepExchange), afterRefusal: starts | setOf(stepExchange),
	},
	stepCommand: {
		command: "command", awaited: "reply to a command", ok: any2yz, more: any3yz, timeout: commandTimeout,
		afterOK: starts, afterMore: starts, afterRefusal: starts,
	},
	stepWait: {
		command: "WaitFor", awaited: "reply waited for", ok: any2yz, more: any3yz, timeout: commandTimeout,
		afterOK: starts, afterMore: starts, afterRefusal: starts,
	},
	stepRSET: {
		// A server that does not reset may mix two messages: no refusal is survived.
		command: "RSET", awaited: "reply to RSET", ok: any2yz, timeout: commandTimeout,
		afterOK: starts,
	},
	stepMAIL: {
		command: "MAIL", awaited: "reply to MAIL", ok: any2yz,
		timeout: func(t *Timeouts) time.Duration { return t.Mail },
		afterOK: starts | setOf(stepRCPT), afterRefusal: starts | setOf(stepRCPT),
	},
	stepRCPT: {
		command: "RCPT", awaited: "reply to RCPT", ok: any2yz,
		timeout: func(t *Timeouts) time.Duration { return t.Rcpt },
		// RFC 3030 §2: chunks follow directly, and the last of them brings the verdict.
		afterOK:      starts | setOf(stepRCPT, stepDATA, stepBDAT, stepContent),
		afterRefusal: starts | setOf(stepRCPT, stepDATA, stepBDAT, stepContent),
	},
	stepDATA: {
		command: "DATA", awaited: "reply to DATA", more: wire.CodeStartMailInput,
		timeout:   func(t *Timeouts) time.Duration { return t.Data },
		afterMore: setOf(stepContent, stepLoneDot), afterRefusal: starts,
	},
	stepBDAT: {
		command: "BDAT", awaited: "reply to BDAT", ok: any2yz,
		timeout: func(t *Timeouts) time.Duration { return t.Data },
		// Chunks that are on their way are answered behind a refusal too (C65).
		afterOK: starts | setOf(stepBDAT, stepContent), afterRefusal: starts | setOf(stepBDAT, stepContent),
	},
	stepContent: {
		command: "end of data", awaited: "verdict on the content", ok: any2yz,
		timeout: func(t *Timeouts) time.Duration { return t.Final },
		// RFC 2033 §4.2: with LMTP a verdict for each accepted recipient.
		afterOK: starts | setOf(stepContent), afterRefusal: starts | setOf(stepContent),
	},
	stepLoneDot: {
		command: "end of data", awaited: "verdict on the empty content", ok: any2yz,
		timeout: func(t *Timeouts) time.Duration { return t.Final },
		afterOK: starts, afterRefusal: starts,
	},
	stepQUIT: {
		command: "QUIT", awaited: "reply to QUIT", ok: wire.CodeClosing, timeout: commandTimeout,
	},
}

func commandTimeout(t *Timeouts) time.Duration { return t.Command }

// judge tells what a reply means to the step. Where the rule takes any 3yz, the
// step's task has wishes of its own and judges again.
func (rule *stepRule) judge(code wire.Code) verdict {
	switch code.Class() {
	case 2:
		if rule.ok == any2yz || rule.ok == code {
			return ok
		}
	case 3:
		if rule.more == any3yz || rule.more == code {
			return more
		}
	default:
		return refused
	}
	return wrong
}

// after returns the steps that may follow a verdict.
func (rule *stepRule) after(v verdict) stepSet {
	switch v {
	case ok:
		return rule.afterOK
	case more:
		return rule.afterMore
	}
	return rule.afterRefusal
}

// want returns the codes that the step takes, where they are not a whole class.
func (rule *stepRule) want() (codes []wire.Code) {
	for _, code := range [...]wire.Code{rule.ok, rule.more} {
		if code > any3yz {
			codes = append(codes, code)
		}
	}
	return codes
}

// answeredBy returns the verb that a reply answers, for errors. The table cannot know it
// where the verb is the task's own.
func answeredBy(c *Client, t task, s step) string {
	switch t := t.(type) {
	case *command:
		return t.cmd.Verb
	case *exchange:
		if _, is := t.steps.(*login); is {
			return wire.VerbAuth
		}
	}
	if s == stepEHLO {
		return c.helloVerb(s)
	}
	return stepRules[s].command
}
