package auth

import (
	"crypto"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/protocol"
)

// Server makes the server's side of the mechanisms. It offers those whose function is
// set. Its fields are not to be changed once it is in use; then any number of
// goroutines may use it, as far as its functions allow that. They are called inline,
// by Next of the exchange that needs them.
//
// A function that looks a user up, or checks a password or token, returns
// ErrUnknownUser or ErrCredentials where the login is to be refused. The client
// cannot tell the two apart. Any other error ends the exchange as it is: a store that
// cannot be reached, for a 454.
//
// User names reach the functions as the profile UsernameCasePreserved of RFC 8265
// prepares them; a name that does not fit it is nobody's. Where case is not to matter
// the functions map it.
type Server struct {
	// Name is the domain name of this host, for the challenge of CRAM-MD5; "" stands
	// for "localhost".
	Name string
	// Authorize is called once, as the last step of every exchange but that of
	// ANONYMOUS, with the user whose credentials were right, and with whom that user
	// wants to act as: "" for nobody else. The login succeeds if it returns nil. Where
	// it is not set users may act as themselves alone.
	Authorize func(identity, username string) error
	// Granted, if not nil, is told of each exchange whose checks have all passed, as
	// the last of them: what Authorize is given, or two empty strings for ANONYMOUS. The
	// exchange may still fail, where the client has another response to give.
	Granted func(identity, username string)
	// Password checks a password, for PLAIN and LOGIN. It has to take the same time for
	// users that do not exist; SCRAMPassword does. Passwords come as they were sent.
	Password func(username, password string) error
	// Secret returns a user's password, for CRAM-MD5.
	Secret func(username string) (string, error)
	// SCRAM returns a user's credentials for SCRAM.
	SCRAM func(hash crypto.Hash, username string) (SCRAMCredentials, error)
	// SCRAMHashes are the hashes that SCRAM has credentials for; none named: SHA-256.
	SCRAMHashes []crypto.Hash
	// SCRAMKey, at least 16 secret octets, makes the salts of users that do not exist.
	// Keep it as long as the users: another key gives other salts, which tell them
	// apart from the users that do exist.
	SCRAMKey []byte
	// SCRAMIterations is the iteration count of most users, and so of those that do not
	// exist. 0 stands for DefaultSCRAMIterations.
	SCRAMIterations int
	// Token checks a bearer token, for OAUTHBEARER and XOAUTH2, and returns whose it is.
	// identity is what the client named, which may be "" with OAUTHBEARER. An
	// *OAuthError is told to the client.
	Token func(identity, token string) (username string, err error)
	// External returns the user that the connection itself has shown, for EXTERNAL: by
	// the certificate of a TLS client. Set it on a Server for one connection.
	External func() (username string, err error)
	// Anonymous lets somebody in without a name, for ANONYMOUS.
	Anonymous func(trace string) error
	// AllowCleartext offers PLAIN, LOGIN, OAUTHBEARER and XOAUTH2 without TLS.
	AllowCleartext bool
}

// Format implements fmt.Formatter: whatever the verb, the key is not printed.
func (s Server) Format(f fmt.State, _ rune) { io.WriteString(f, "auth.Server") }

// Mechanisms returns the names of the mechanisms to offer on a connection, the
// strongest first.
func (s *Server) Mechanisms(tls protocol.TLSState) []string {
	names := strength()
	return slices.DeleteFunc(names, func(name string) bool { return !s.offers(name, tls) })
}

func (s *Server) offers(name string, tls protocol.TLSState) bool {
	clear := s.AllowCleartext || tls.Active()
	switch name {
	case MechanismExternal:
		return s.External != nil
	case MechanismSCRAMSHA256, MechanismSCRAMSHA1:
		return s.hasSCRAM(name)
	case MechanismSCRAMSHA256Plus, MechanismSCRAMSHA1Plus:
		return s.hasSCRAM(name) && bindable(tls)
	case MechanismOAUTHBEARER, MechanismXOAUTH2:
		return s.Token != nil && clear
	case MechanismCRAMMD5:
		return s.Secret != nil
	case MechanismPlain, MechanismLogin:
		return s.Password != nil && clear
	}
	return s.Anonymous != nil
}

func (s *Server) hasSCRAM(name string) bool {
	if s.SCRAM == nil {
		return false
	}
	hash := scramHash(name)
	return slices.Contains(s.SCRAMHashes, hash) || len(s.SCRAMHashes) == 0 && hash == crypto.SHA256
}

// New begins an exchange by a mechanism that Mechanisms names, in any case. The
// error is a *protocol.ConfigError around protocol.ErrNoMechanism, or one that says
// what is wrong with the Server.
//
// The first response that Next of the result takes is nil where the client sent no
// initial response. Its error is a *MessageError, ErrCredentials, ErrChannelBinding,
// ErrNotAuthorized, or what a function of s returned; no error holds anything that
// the client sent. It takes no response after its last challenge was answered, or
// after an error.
func (s *Server) New(name string, tls protocol.TLSState) (sasl.Server, error) {
	name = strings.ToUpper(name)
	if rank(name) < 0 || !s.offers(name, tls) {
		return nil, &protocol.ConfigError{Field: "AUTH", Err: protocol.ErrNoMechanism}
	}
	switch name {
	case MechanismExternal:
		return s.external(), nil
	case MechanismOAUTHBEARER:
		return s.oauthBearer(), nil
	case MechanismXOAUTH2:
		return s.xoauth2(), nil
	case MechanismCRAMMD5:
		return s.cramMD5(newNonce()), nil
	case MechanismPlain:
		return s.plain(), nil
	case MechanismLogin:
		return s.login(), nil
	case MechanismAnonymous:
		return s.anonymous(), nil
	}
	if err := s.checkSCRAM(); err != nil {
		return nil, err
	}
	return s.scramServer(name, tls, newNonce), nil
}

// authorize is the last word on a login.
func (s *Server) authorize(identity, username string) error {
	if err := s.mayAct(identity, username); err != nil {
		return err
	}
	s.granted(identity, username)
	return nil
}

func (s *Server) mayAct(identity, username string) error {
	if s.Authorize != nil {
		return s.Authorize(identity, username)
	}
	if prepared, err := prepareName(identity); identity != "" && (err != nil || prepared != username) {
		return ErrNotAuthorized
	}
	return nil
}

func (s *Server) granted(identity, username string) {
	if s.Granted != nil {
		s.Granted(identity, username)
	}
}
