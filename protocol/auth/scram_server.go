package auth

import (
	"crypto"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"

	"github.com/emersion/go-sasl"
	"github.com/xdg-go/scram"

	"github.com/sansmtp/sansmtp/protocol"
)

// minSCRAMKey is the size in octets from which a key cannot be guessed.
const minSCRAMKey = 16

// scramHash is the hash of a mechanism.
func scramHash(name string) crypto.Hash {
	if strings.HasPrefix(name, MechanismSCRAMSHA256) {
		return crypto.SHA256
	}
	return crypto.SHA1
}

func (s *Server) checkSCRAM() error {
	switch {
	case len(s.SCRAMKey) < minSCRAMKey:
		return &protocol.ConfigError{Field: "SCRAMKey", Reason: "under 16 octets"}
	case s.SCRAMIterations != 0 && (s.SCRAMIterations < MinSCRAMIterations || s.SCRAMIterations > MaxSCRAMIterations):
		return &protocol.ConfigError{Field: "SCRAMIterations", Reason: "out of range"}
	}
	return nil
}

// SCRAMPassword checks a password against the credentials that s.SCRAM returns for
// the first of s.SCRAMHashes. It may be s.Password: users that do not exist take as
// long as those that do, if these have s.SCRAMIterations. Unlike SCRAM itself it
// takes the server those many rounds.
func (s *Server) SCRAMPassword(username, password string) error {
	if err := s.checkSCRAM(); err != nil {
		return err
	}
	hash := crypto.SHA256
	if len(s.SCRAMHashes) > 0 {
		hash = s.SCRAMHashes[0]
	}
	c, known, err := s.lookup(hash, username)
	if err != nil {
		return err
	}
	if !c.Verify(password) || !known {
		return ErrCredentials
	}
	return nil
}

// lookup returns a user's credentials; for one that does not exist, such as are the
// same each time and that nobody has the password of.
func (s *Server) lookup(hash crypto.Hash, username string) (c SCRAMCredentials, known bool, err error) {
	name, err := PrepareUsername(username)
	if err != nil {
		return s.fake(hash, username), false, nil
	}
	// They are made for every user, so that it takes as long.
	fake := s.fake(hash, name)
	c, err = s.SCRAM(hash, name)
	switch {
	case errors.Is(err, ErrUnknownUser), errors.Is(err, ErrCredentials):
		return fake, false, nil
	case err == nil && c.Hash != hash:
		err = &protocol.ConfigError{Field: "SCRAM credentials", Reason: "of another hash"}
	case err == nil:
		err = c.Check()
	}
	return c, err == nil, err
}

func (s *Server) fake(hash crypto.Hash, username string) SCRAMCredentials {
	octets := func(label string) []byte {
		mac := hmac.New(sha256.New, s.SCRAMKey)
		mac.Write([]byte(label + "\x00" + hash.String() + "\x00" + username))
		return mac.Sum(nil)
	}
	iterations := s.SCRAMIterations
	if iterations == 0 {
		iterations = DefaultSCRAMIterations
	}
	return SCRAMCredentials{
		Hash: hash, Salt: octets("salt")[:saltSize], Iterations: iterations,
		StoredKey: octets("stored key")[:hash.Size()], ServerKey: octets("server key")[:hash.Size()],
	}
}

// scramServer is SCRAM (RFC 5802 §5), with channel binding where the name says so.
func (s *Server) scramServer(name string, tls protocol.TLSState, nonce func() string) sasl.Server {
	x := &scramSession{server: s, name: name, tls: tls, nonce: nonce}
	return serve(name, []byte{}, x.first)
}

// scramSession is the server's side of one exchange. The errors of the conversation
// quote what the client wrote, so others take their place.
type scramSession struct {
	server       *Server
	name         string
	tls          protocol.TLSState
	nonce        func() string
	conversation *scram.ServerConversation
	username     string // as prepared
	known        bool
	failure      error // of the lookup
}

func (x *scramSession) first(response []byte) ([]byte, step, error) {
	message := string(response)
	flag, _, _ := strings.Cut(message, ",")
	kind, binds := strings.CutPrefix(flag, "p=")
	switch {
	case !isText(message) || binds != plus(x.name) || flag != "n" && flag != "y" && !binds:
		return nil, nil, &MessageError{x.name, "malformed client-first-message"}
	case flag == "y" && bindable(x.tls):
		// RFC 5802 §6: the client could bind, and was not shown that the server can.
		return nil, nil, ErrChannelBinding
	case binds && (!slices.Contains(anyBinding(), Binding(kind)) || Binding(kind).data(x.tls) == nil):
		return nil, nil, ErrChannelBinding
	}
	server, err := scram.HashGeneratorFcn(scramHash(x.name).New).NewServer(x.lookup)
	if err != nil {
		return nil, nil, err
	}
	server.WithNonceGenerator(scram.NonceGeneratorFcn(x.nonce))
	if binds {
		x.conversation = server.NewConversationWithChannelBindingRequired(Binding(kind).of(x.tls))
	} else {
		x.conversation = server.NewConversation()
	}
	challenge, err := x.conversation.Step(message)
	switch {
	case x.failure != nil:
		return nil, nil, x.failure
	case err != nil:
		return nil, nil, &MessageError{x.name, "malformed client-first-message"}
	}
	return []byte(challenge), x.final, nil
}

func (x *scramSession) lookup(username string) (scram.StoredCredentials, error) {
	c, known, err := x.server.lookup(scramHash(x.name), username)
	if x.failure = err; err != nil {
		return scram.StoredCredentials{}, err
	}
	x.known = known
	if known {
		x.username, _ = PrepareUsername(username)
	}
	return scram.StoredCredentials{
		KeyFactors: scram.KeyFactors{Salt: string(c.Salt), Iters: c.Iterations},
		StoredKey:  c.StoredKey, ServerKey: c.ServerKey,
	}, nil
}

func (x *scramSession) final(response []byte) ([]byte, step, error) {
	challenge, err := x.conversation.Step(string(response))
	switch {
	case err != nil && challenge == "":
		return nil, nil, &MessageError{x.name, "malformed client-final-message"}
	case challenge == scram.ErrChannelBindingsDontMatch:
		return nil, nil, ErrChannelBinding
	case err != nil || !x.known:
		return nil, nil, ErrCredentials
	}
	return []byte(challenge), x.end, nil
}

// end takes the empty answer to the server-final-message: AUTH has no place for that
// message in its 235 (RFC 4954 §4).
func (x *scramSession) end(response []byte) ([]byte, step, error) {
	if len(response) != 0 {
		return nil, nil, &MessageError{x.name, "response to the server-final-message"}
	}
	return nil, nil, x.server.authorize(x.conversation.AuthzID(), x.username)
}
