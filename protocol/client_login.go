package protocol

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

const (
	// maxAuthRounds bounds the challenges of one exchange (H-A4).
	maxAuthRounds = 16
	// maxAuthLine is the size of a base64 line without its line end (RFC 4954 §4).
	maxAuthLine = 12288
	// maxAuthCommand is the size of the AUTH command line without its line end: an
	// initial response that does not fit waits for a challenge (RFC 4954 §4).
	maxAuthCommand = 510
)

// Mechanism is a way to log in. Package protocol/auth makes them.
type Mechanism struct {
	Name string // as servers advertise it: "PLAIN"
	// Cleartext says that the exchange shows the secret to whoever reads it. Such a
	// mechanism is used under TLS only, unless AllowCleartextAuth is set.
	Cleartext bool
	// Binds says that the exchange is bound to the TLS connection. Such a mechanism
	// is passed over where TLSState holds no channel binding.
	Binds bool
	// New returns a fresh client for one exchange. It is called when the exchange
	// begins, so that the channel bindings of TLS are known.
	New func(TLSState) (sasl.Client, error)
}

// Concluder is a sasl.Client that has a word to say about how its exchange ended:
// one that authenticates the server too, or that was told why it was refused.
type Concluder interface {
	// Conclude is called once, when the server has accepted or refused a login that this
	// side did not break off. On success an error says that the server's part was not what
	// it must be: the login fails with an *AuthError and the connection is over, since it
	// may not be the server that accepted. On refusal an error is the reason that the
	// mechanism learned, for ReplyError.Err.
	Conclude(accepted bool) error
}

// OfferReader is a sasl.Client that wants to know what else it could have been.
type OfferReader interface {
	// Offered is called once, before Start, with the names of the mechanisms that the
	// server offers, as it spelled them. The slice is not to be kept.
	Offered(mechanisms []string)
}

// AuthError says that a login failed on this side, or that the server's part of
// the exchange made no sense. The exchange was cancelled, and the connection goes
// on, unless the server had accepted the login: see Concluder.
type AuthError struct {
	Mechanism string
	Err       error
}

func (e *AuthError) Error() string { return "AUTH " + e.Mechanism + ": " + e.Err.Error() }

func (e *AuthError) Unwrap() error { return e.Err }

var (
	errChallengeEncoding = errors.New("challenge is not base64")
	errChallengeCount    = errors.New("too many challenges")
	errChallengeSize     = errors.New("challenge too long")
	errResponseSize      = errors.New("response too long")
)

// Login authenticates (RFC 4954) with the first of the mechanisms that the server
// offers and that may be used on this connection: name the strongest first, or
// one alone to force it. Only a 235 is success. A login that cannot be tried, as
// where no AUTH is offered, is a *ConfigError and writes nothing.
func (c *Client) Login(mechanisms ...Mechanism) *future.Future[wire.Reply] {
	l := &login{c: c, mechanisms: mechanisms}
	x := &exchange{steps: l, start: -1}
	l.exchange = x
	x.promise.OnCancel(func() {
		if c.takeBack(x, x.start) {
			c.proceed()
		}
	})
	c.add(x)
	return x.promise.Future()
}

// login is the Task of an AUTH exchange.
type login struct {
	c          *Client
	exchange   *exchange
	mechanisms []Mechanism

	name     string // of the mechanism chosen
	client   sasl.Client
	initial  []byte // an initial response that waits for the first challenge
	waiting  bool   // for that challenge
	rounds   int
	stopped  error  // why "*" was sent
	redacted string // the last line as traces show it
}

// Redacted implements Redacter.
func (l *login) Redacted() string { return l.redacted }

// Step implements Task.
func (l *login) Step(last *wire.Reply, dst []byte) ([]byte, bool, error) {
	if last == nil {
		return l.start(dst)
	}
	code := last.Code
	switch {
	case code == wire.CodeAuthSucceeded && l.stopped == nil:
		if err := l.conclude(true); err != nil {
			err = &AuthError{Mechanism: l.name, Err: err}
			l.c.end(err)
			return dst, false, err
		}
		l.c.authenticated = true
		return dst, true, nil
	case code.Temporary() || code.Permanent():
		if l.stopped != nil {
			return dst, false, l.stopped
		}
		return dst, false, &ReplyError{
			Reply: *last, Command: wire.VerbAuth, Want: []wire.Code{wire.CodeAuthSucceeded}, Err: l.conclude(false),
		}
	case code == wire.CodeAuthChallenge && l.stopped == nil:
		return l.answer(*last, dst)
	}
	// H-T12: another 2yz or 3yz, or anything but a refusal behind the "*", leaves
	// nobody knowing who is logged in.
	err := unexpected("reply to AUTH", "unexpected reply", *last)
	if l.stopped == nil {
		err.Want = []wire.Code{wire.CodeAuthSucceeded, wire.CodeAuthChallenge}
	}
	l.c.end(err)
	return dst, false, err
}

// conclude asks the mechanism what it has to say about the end of the exchange.
func (l *login) conclude(accepted bool) error {
	if c, has := l.client.(Concluder); has {
		return c.Conclude(accepted)
	}
	return nil
}

// start chooses the mechanism and appends the AUTH command.
func (l *login) start(dst []byte) ([]byte, bool, error) {
	m, err := l.choose()
	if err != nil {
		return dst, false, &ConfigError{Field: wire.VerbAuth, Err: err}
	}
	l.name = m.Name
	if l.client, err = m.New(l.c.tls); err != nil {
		return dst, false, &AuthError{Mechanism: l.name, Err: err}
	}
	if r, wants := l.client.(OfferReader); wants {
		r.Offered(l.c.ext.AuthMechanisms())
	}
	// The name in the command is the one that was matched: a client of go-sasl may
	// spell its own differently.
	_, initial, err := l.client.Start()
	if err != nil {
		return dst, false, &AuthError{Mechanism: l.name, Err: err}
	}
	dst = append(append(dst, wire.VerbAuth+" "...), l.name...)
	l.redacted = string(dst)
	switch {
	case initial == nil:
	case len(dst)+1+base64.StdEncoding.EncodedLen(len(initial)) > maxAuthCommand:
		l.initial, l.waiting = initial, true
	default:
		dst = appendResponse(append(dst, ' '), initial)
		l.redacted += " ***"
	}
	return dst, false, nil
}

func (l *login) choose() (Mechanism, error) {
	c := l.c
	switch {
	case c.authenticated:
		return Mechanism{}, ErrAuthenticated
	case c.set&wire.Auth == 0:
		return Mechanism{}, ErrNotOffered
	}
	offered := c.ext.AuthMechanisms()
	inClear := false
	for _, m := range l.mechanisms {
		if !slices.ContainsFunc(offered, func(s string) bool { return strings.EqualFold(s, m.Name) }) {
			continue
		}
		if m.Cleartext && !c.tls.Active() && !c.cfg.AllowCleartextAuth {
			inClear = true
			continue
		}
		if m.Binds && c.tls.Exporter == nil && c.tls.ServerEndPoint == nil {
			continue
		}
		return m, nil
	}
	if inClear {
		return Mechanism{}, ErrTLSRequired
	}
	return Mechanism{}, ErrNoMechanism
}

// answer appends the response to a challenge, or the "*" that cancels.
func (l *login) answer(r wire.Reply, dst []byte) ([]byte, bool, error) {
	if l.rounds++; l.rounds > maxAuthRounds {
		return l.stop(dst, errChallengeCount)
	}
	if l.exchange.canceled() {
		return l.stop(dst, ErrCanceled)
	}
	if len(r.Text) > maxAuthLine {
		return l.stop(dst, errChallengeSize)
	}
	challenge, err := base64.StdEncoding.DecodeString(r.Text)
	if err != nil || strings.Contains(r.Text, "\n") {
		return l.stop(dst, errChallengeEncoding)
	}
	response := l.initial
	if l.waiting {
		l.initial, l.waiting = nil, false
	} else if response, err = l.client.Next(challenge); err != nil {
		return l.stop(dst, err)
	}
	if base64.StdEncoding.EncodedLen(len(response)) > maxAuthLine {
		return l.stop(dst, errResponseSize)
	}
	l.redacted = "***"
	return base64.StdEncoding.AppendEncode(dst, response), false, nil
}

// stop appends the line that cancels the exchange; the reply to it settles it.
func (l *login) stop(dst []byte, err error) ([]byte, bool, error) {
	l.stopped = &AuthError{Mechanism: l.name, Err: err}
	l.redacted = "*"
	return append(dst, '*'), false, nil
}

// appendResponse appends an initial response; an empty one is "=" (RFC 4954 §4).
func appendResponse(dst, response []byte) []byte {
	if len(response) == 0 {
		return append(dst, '=')
	}
	return base64.StdEncoding.AppendEncode(dst, response)
}
