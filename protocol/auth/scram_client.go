package auth

import (
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/emersion/go-sasl"
	"github.com/xdg-go/scram"

	"github.com/sansmtp/sansmtp/protocol"
)

// ErrServerNotVerified says that the server did not prove that it knows the
// password: somebody else answers in its place (RFC 5802 §5).
var ErrServerNotVerified = errors.New("the server did not prove that it knows the password")

var (
	errServerFirst = errors.New("malformed server-first-message")
	errNonce       = errors.New("the server's nonce does not extend the client's")
)

// SCRAMError is the error that a server named in the exchange (RFC 5802 §7).
type SCRAMError struct {
	Value string // "invalid-proof", "unknown-user" …; as the server wrote it
}

func (e *SCRAMError) Error() string { return "server error " + strconv.Quote(e.Value) }

// newNonce returns 130 random bits, as printable characters without a comma.
func newNonce() string { return rand.Text() }

func newSCRAMClient(name string, hash crypto.Hash, l scramLogin, tls protocol.TLSState, nonce func() string) (sasl.Client, error) {
	if err := check(l.username, l.password); err != nil {
		return nil, err
	}
	if err := checkText("authorization identity", l.identity); err != nil {
		return nil, err
	}
	username, err := PrepareUsername(l.username)
	if err != nil {
		return nil, err
	}
	password, err := preparePassword(l.password)
	if err != nil {
		return nil, err
	}
	x := &scramExchange{name: name, bindable: bindable(tls), nonce: nonce()}
	if plus(name) {
		b, err := choose(l.bindings, tls)
		if err != nil {
			return nil, err
		}
		x.binding = b.of(tls)
	}
	if x.client, err = scram.HashGeneratorFcn(hash.New).NewClientUnprepped(username, password, l.identity); err != nil {
		return nil, err
	}
	x.client.WithNonceGenerator(func() string { return x.nonce })
	return client{start: x.start, next: x.next, offered: x.readOffer, conclude: x.conclude}, nil
}

// scramExchange is the client's side of one exchange. The errors of the
// conversation quote what the server wrote, so others take their place.
type scramExchange struct {
	name         string
	binding      scram.ChannelBinding
	bindable     bool // the connection has a binding
	unoffered    bool // no mechanism that binds is offered
	nonce        string
	client       *scram.Client
	conversation *scram.ClientConversation
	round        int
	reason       error // that the server gave
}

func (x *scramExchange) readOffer(mechanisms []string) {
	x.unoffered = !slices.ContainsFunc(mechanisms, plus)
}

func (x *scramExchange) start() (string, []byte, error) {
	switch {
	case plus(x.name):
		x.conversation = x.client.NewConversationWithChannelBinding(x.binding)
	case x.bindable && x.unoffered:
		x.conversation = x.client.NewConversationAdvertisingChannelBinding()
	default:
		x.conversation = x.client.NewConversation()
	}
	message, err := x.conversation.Step("")
	return x.name, []byte(message), err
}

func (x *scramExchange) next(challenge []byte) ([]byte, error) {
	message := string(challenge)
	x.round++
	if x.round > 2 || x.reason != nil {
		return nil, sasl.ErrUnexpectedServerChallenge
	}
	if value, is := strings.CutPrefix(message, "e="); is {
		// RFC 4954 §4: what the server has to say comes in a challenge, the answer is
		// empty, and the refusal comes behind it.
		value, _, _ = strings.Cut(value, ",")
		x.reason = &SCRAMError{Value: value}
		return []byte{}, nil
	}
	if x.round == 2 {
		if _, err := x.conversation.Step(message); err != nil {
			return nil, ErrServerNotVerified
		}
		return []byte{}, nil
	}
	if err := x.checkFirst(message); err != nil {
		return nil, err
	}
	response, err := x.conversation.Step(message)
	if err != nil {
		return nil, errServerFirst
	}
	return []byte(response), nil
}

// checkFirst holds the server-first-message against the limits of this side.
func (x *scramExchange) checkFirst(message string) error {
	fields := strings.Split(message, ",")
	if len(fields) < 3 {
		return errServerFirst
	}
	nonce, hasNonce := strings.CutPrefix(fields[0], "r=")
	count, hasCount := strings.CutPrefix(fields[2], "i=")
	iterations, err := strconv.ParseUint(count, 10, 31)
	switch {
	case !hasNonce || !hasCount || err != nil || fields[1] == "s=":
		return errServerFirst
	case len(nonce) <= len(x.nonce) || !strings.HasPrefix(nonce, x.nonce):
		return errNonce
	case iterations < MinSCRAMIterations || iterations > MaxSCRAMIterations:
		return fmt.Errorf("iteration count %d is not in %d to %d", iterations, MinSCRAMIterations, MaxSCRAMIterations)
	}
	return nil
}

func (x *scramExchange) conclude(accepted bool) error {
	if accepted && !x.conversation.Valid() {
		return ErrServerNotVerified
	}
	return x.reason
}
