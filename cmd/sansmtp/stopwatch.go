package main

import (
	"strings"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

// stopwatch divides the time of a session among its steps, by what the
// conversation shows: a step lasts from the end of the one before it to the reply
// that ends it.
type stopwatch struct {
	start   time.Time
	last    time.Time // the end of the step before
	first   string    // the step whose time began with the connecting
	current string    // the step of a reply that nothing sent accounts for
	awaited []string  // the steps whose replies are to come
	spent   map[string]time.Duration
}

func newStopwatch(start time.Time) *stopwatch {
	return &stopwatch{start: start, last: start, current: "greeting", spent: map[string]time.Duration{}}
}

// note takes the next entry of the conversation.
func (w *stopwatch) note(e protocol.TraceEvent) {
	switch e.Kind {
	case protocol.TraceSent:
		w.awaited = append(w.awaited, verbOf(e.Line))
	case protocol.TraceContent:
		if n := len(w.awaited); n > 0 && w.awaited[n-1] == "BDAT" {
			w.awaited = w.awaited[:n-1] // the one reply is to both
		}
		w.awaited = append(w.awaited, "content")
	case protocol.TraceTLS:
		w.lap("TLS", e.Time)
	case protocol.TraceReceived:
		if len(e.Line) > 3 && e.Line[3] == '-' {
			return // more lines of the reply come
		}
		if len(w.awaited) > 0 {
			w.current, w.awaited = w.awaited[0], w.awaited[1:]
		}
		w.lap(w.current, e.Time)
		if w.current == "DATA" {
			w.current = "content" // which a server may refuse in the middle of
		}
	}
}

// lap ends a step.
func (w *stopwatch) lap(step string, now time.Time) {
	if w.first == "" {
		w.first = step
	}
	w.spent[step] += now.Sub(w.last)
	w.last = now
}

// durations returns the milliseconds of each step. How long connecting took is
// known only afterwards, and is taken off the step behind it.
func (w *stopwatch) durations(connect time.Duration) map[string]float64 {
	ms := map[string]float64{}
	for step, d := range w.spent {
		if step == w.first {
			d -= connect
		}
		ms[step] = milliseconds(d)
	}
	if connect > 0 {
		ms["connect"] = milliseconds(connect)
	}
	return ms
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}

// verbOf names the step of a command line. Lines of an AUTH exchange are not
// commands, and their trace shows no more than stars.
func verbOf(line string) string {
	if strings.HasPrefix(line, "*") {
		return "AUTH"
	}
	verb, _, _ := strings.Cut(line, " ")
	return verb
}
