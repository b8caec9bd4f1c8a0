package auth

import (
	"errors"
	"slices"
	"strings"

	"github.com/xdg-go/scram"

	"github.com/sansmtp/sansmtp/protocol"
)

// Binding is a type of channel binding to TLS (RFC 5056).
type Binding string

// The types of channel binding. tls-unique (RFC 5929 §3) is not among them: it does
// not exist in TLS 1.3, and is not safe in TLS 1.2 without the extended master secret.
const (
	BindingTLSExporter       Binding = "tls-exporter"         // RFC 9266: the connection itself
	BindingTLSServerEndPoint Binding = "tls-server-end-point" // RFC 5929 §4: the server's certificate
)

// ErrNoBinding says that a TLS connection has none of the channel bindings that a
// mechanism may use.
var ErrNoBinding = errors.New("no channel binding")

// data is the binding of a connection; nil where it has none.
func (b Binding) data(tls protocol.TLSState) []byte {
	switch b {
	case BindingTLSExporter:
		return tls.Exporter
	case BindingTLSServerEndPoint:
		return tls.ServerEndPoint
	}
	return nil
}

// of returns the binding as the SCRAM exchange takes it.
func (b Binding) of(tls protocol.TLSState) scram.ChannelBinding {
	return scram.ChannelBinding{Type: scram.ChannelBindingType(b), Data: b.data(tls)}
}

// anyBinding lists all of them, the strongest first.
func anyBinding() []Binding { return []Binding{BindingTLSExporter, BindingTLSServerEndPoint} }

// bindable reports whether a connection has a channel binding.
func bindable(tls protocol.TLSState) bool {
	return slices.ContainsFunc(anyBinding(), func(b Binding) bool { return b.data(tls) != nil })
}

// choose returns the first of bindings, of all of them if none is named, that a
// connection has.
func choose(bindings []Binding, tls protocol.TLSState) (Binding, error) {
	if len(bindings) == 0 {
		bindings = anyBinding()
	}
	for _, b := range bindings {
		if b.data(tls) != nil {
			return b, nil
		}
	}
	return "", ErrNoBinding
}

// plus reports whether a mechanism is one that binds.
func plus(name string) bool { return strings.HasSuffix(strings.ToUpper(name), "-PLUS") }
