package protocol

import (
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Server is the server's side of an SMTP or LMTP conversation. It is a Core; what the
// client asks for that ServerConfig.Requests names is pulled with Next, and answered then or
// later. Everything else it answers by itself, correctly and safely.
//
// Call Next after every call of the driver's until it returns false.
type Server struct{}

// NewServer returns a server for one connection. The error is a *ConfigError.
func NewServer(now time.Time, cfg ServerConfig) (*Server, error) { panic("TODO") }

// Next returns the next request, in the order of the commands, and false while there is none.
func (s *Server) Next() (Request, bool) { panic("TODO") }

// Resume says that a Sink that took less than it was given can take more.
func (s *Server) Resume() { panic("TODO") }

// Shutdown ends the session with a 421 as soon as no transaction is open and nothing is
// unanswered: at once on an idle one.
func (s *Server) Shutdown() { panic("TODO") }

// End ends the session with a reply of its own, a 421 as a rule, behind the replies that
// are due; whatever is unanswered stays so.
func (s *Server) End(reply wire.Reply) { panic("TODO") }

// SetDeadline sets the overall deadline: at t the session ends with a 421. The zero
// time takes it off.
func (s *Server) SetDeadline(t time.Time) { panic("TODO") }

// TLS returns the state that Upgraded reported; the zero value in clear.
func (s *Server) TLS() TLSState { panic("TODO") }

// Hello returns the verb and the name of the last EHLO, HELO or LHLO that was
// accepted; "" before it, and again behind STARTTLS.
func (s *Server) Hello() (verb, name string) { panic("TODO") }

// Authenticated reports whether a login succeeded.
func (s *Server) Authenticated() bool { panic("TODO") }

// Extensions are those in force: what the last EHLO offered.
func (s *Server) Extensions() wire.ExtensionSet { panic("TODO") }

func (s *Server) Feed(now time.Time, p []byte) (n int, err error)    { panic("TODO") }
func (s *Server) FeedEOF(now time.Time)                              { panic("TODO") }
func (s *Server) Fail(now time.Time, err error)                      { panic("TODO") }
func (s *Server) WriteFailed(now time.Time, err error)               { panic("TODO") }
func (s *Server) Output(now time.Time, dst []Chunk, max int) []Chunk { panic("TODO") }
func (s *Server) Wrote(now time.Time, n int64)                       { panic("TODO") }
func (s *Server) WantRead() bool                                     { panic("TODO") }
func (s *Server) Deadline() time.Time                                { panic("TODO") }
func (s *Server) Tick(now time.Time)                                 { panic("TODO") }
func (s *Server) Upgrade() *Upgrade                                  { panic("TODO") }
func (s *Server) Upgraded(now time.Time, tls TLSState, err error)    { panic("TODO") }
func (s *Server) Err() error                                         { panic("TODO") }

var _ Core = (*Server)(nil)
