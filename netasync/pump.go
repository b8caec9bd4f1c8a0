package netasync

import (
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

// pump is a protocol.Server that sees to its own requests: after whatever can bring one, it takes
// them and gives them their default answer, or hands them to the Session's handler.
type pump struct {
	*protocol.Server
	session *Session
	// corked: replies wait for those behind them, for corkTime at most.
	corked bool
	cork   *time.Timer
}

// Feed implements protocol.Core.
func (p *pump) Feed(now time.Time, b []byte) (int, error) {
	n, err := p.Server.Feed(now, b)
	p.requests()
	return n, err
}

// FeedEOF implements protocol.Core.
func (p *pump) FeedEOF(now time.Time) {
	p.Server.FeedEOF(now)
	p.requests()
}

// Fail implements protocol.Core.
func (p *pump) Fail(now time.Time, err error) {
	p.Server.Fail(now, err)
	p.requests()
}

// WriteFailed implements protocol.Core.
func (p *pump) WriteFailed(now time.Time, err error) {
	p.Server.WriteFailed(now, err)
	p.requests()
}

// Output implements protocol.Core.
func (p *pump) Output(now time.Time, dst []protocol.Chunk, max int) []protocol.Chunk {
	if p.corked && p.Server.Err() == nil {
		return dst
	}
	return p.Server.Output(now, dst, max)
}

// Wrote implements protocol.Core.
func (p *pump) Wrote(now time.Time, n int64) {
	p.Server.Wrote(now, n)
	p.requests()
}

// Tick implements protocol.Core.
func (p *pump) Tick(now time.Time) {
	p.Server.Tick(now)
	p.requests()
}

// Upgraded implements protocol.Core.
func (p *pump) Upgraded(now time.Time, tls protocol.TLSState, err error) {
	p.Server.Upgraded(now, tls, err)
	p.requests()
}

// requests takes all requests that are there.
func (p *pump) requests() {
	for r, ok := p.Next(); ok; r, ok = p.Next() {
		p.session.take(r)
	}
}

// corkTime is how long the reply to one command may wait for those to the commands
// behind it, which are there already, so that all leave with one write.
const corkTime = 2 * time.Millisecond

// push keeps replies back if more are to come at once.
func (p *pump) push(more bool) {
	if !more || p.corked {
		return
	}
	p.corked = true
	if p.cork == nil {
		p.cork = time.AfterFunc(corkTime, func() { p.session.loop.Do(func(time.Time) { p.corked = false }) })
	} else {
		p.cork.Reset(corkTime)
	}
}

// pull lets the replies go.
func (p *pump) pull() {
	if p.corked {
		p.corked = false
		p.cork.Stop()
	}
}
