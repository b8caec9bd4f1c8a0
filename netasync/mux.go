package netasync

import (
	"strconv"
	"strings"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Mux is a Handler that calls another by the verb of the command. The zero value
// leaves all commands to their default answers. It is set up before the Server uses
// it, and not changed then.
type Mux struct {
	verbs               map[string]*Chain
	connect, disconnect Chain
	other               Chain
}

// Handle adds handlers for a verb, behind those that it has: see Chain. The verb's case
// does not matter, and it may be one of the application's own.
//
// "DATA" stands for the content of messages, whether it comes by DATA or by BDAT. AUTH and STARTTLS
// are done by the Server where no handler answers them. Handle panics if no command can
// have the verb, or none of the handlers.
func (m *Mux) Handle(verb string, handlers ...Handler) {
	chain := m.Chain(verb)
	*chain = append(*chain, handlers...)
}

// HandleFunc is Handle with a function.
func (m *Mux) HandleFunc(verb string, f func(w ReplyWriter, r *Request)) {
	m.Handle(verb, HandlerFunc(f))
}

// HandleConnect adds handlers for the begin of a session. Their answer is the greeting: a 220,
// or a 554 or 421 that turns the client away. The server's name is put in front of the
// text of a 220 if it is not there.
func (m *Mux) HandleConnect(handlers ...Handler) { m.connect = append(m.connect, handlers...) }

// HandleDisconnect adds handlers for the end of a session, however it ended. They are called
// once, all of them, behind all other calls for that session; Session.Err says how it ended.
func (m *Mux) HandleDisconnect(handlers ...Handler) {
	m.disconnect = append(m.disconnect, handlers...)
}

// HandleDefault adds handlers for all commands whose verb has no handler, known to the
// Server or not.
func (m *Mux) HandleDefault(handlers ...Handler) { m.other = append(m.other, handlers...) }

// Chain returns the handlers of a verb, to be put into another order.
func (m *Mux) Chain(verb string) *Chain {
	verb = strings.ToUpper(verb)
	if verb == "BDAT" {
		verb = "DATA"
	}
	if !isVerb(verb) {
		panic("netasync: no command can have the verb " + strconv.Quote(verb))
	}
	if m.verbs == nil {
		m.verbs = map[string]*Chain{}
	}
	if m.verbs[verb] == nil {
		m.verbs[verb] = new(Chain)
	}
	return m.verbs[verb]
}

// ServeSMTP implements Handler.
func (m *Mux) ServeSMTP(w ReplyWriter, r *Request) { m.chain(r.Kind, r.Verb).ServeSMTP(w, r) }

func (m *Mux) wants(kind protocol.RequestSet, verb string) bool {
	return m.chain(kind, verb).wants(kind, verb)
}

// chain goes by the kind first: no verb of a client's leads to what has none.
func (m *Mux) chain(kind protocol.RequestSet, verb string) Chain {
	switch kind {
	case protocol.RequestConnect:
		return m.connect
	case protocol.RequestClosed:
		return m.disconnect
	case protocol.RequestData:
		verb = "DATA"
	}
	if chain := m.verbs[verb]; chain != nil && len(*chain) > 0 {
		return *chain
	}
	return m.other
}

func isVerb(verb string) bool {
	c, err := wire.ParseCommand(verb)
	return err == nil && len(c.Verb) == len(verb)
}
