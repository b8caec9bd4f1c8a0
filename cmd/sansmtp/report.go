package main

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// report is what --json prints. The package's documentation describes it.
type report struct {
	Outcome    string             `json:"outcome"`
	Exit       int                `json:"exit"`
	Temporary  bool               `json:"temporary"`
	RetrySafe  bool               `json:"retry_safe"`
	Error      string             `json:"error,omitempty"`
	Kind       string             `json:"kind,omitempty"`
	Step       string             `json:"step,omitempty"`
	Server     string             `json:"server"`
	TLS        *tlsReport         `json:"tls"`
	Reply      *replyReport       `json:"reply"`
	Recipients []recipientReport  `json:"recipients"`
	RoundTrips int                `json:"round_trips"`
	Octets     octetsReport       `json:"octets"`
	Durations  map[string]float64 `json:"durations_ms"`
}

type tlsReport struct {
	Version    string `json:"version"`
	Verified   bool   `json:"verified"`
	ServerName string `json:"server_name"`
}

type replyReport struct {
	Code     wire.Code `json:"code"`
	Enhanced string    `json:"enhanced"`
	Text     string    `json:"text"`
}

type recipientReport struct {
	Address string       `json:"address"`
	Outcome string       `json:"outcome"`
	Reply   *replyReport `json:"reply"`
	Rcpt    *replyReport `json:"rcpt"`
}

type octetsReport struct {
	Sent     int64 `json:"sent"`
	Received int64 `json:"received"`
}

// report gathers what the attempt came to.
func (a *attempt) report(code int, err error) *report {
	r := &report{
		Outcome:    a.receipt.Outcome.String(),
		Exit:       code,
		RetrySafe:  a.receipt.Outcome.RetrySafe(),
		Reply:      replyOf(a.receipt.Reply),
		Recipients: []recipientReport{},
		RoundTrips: a.stats.RoundTrips,
		Octets:     octetsReport{a.stats.Sent, a.stats.Received},
		Durations:  a.watch.durations(a.stats.Connect),
	}
	if a.tls.Active() {
		r.TLS = &tlsReport{tls.VersionName(a.tls.Version), a.tls.Verified, a.tls.ServerName}
	}
	for i, to := range a.env.To {
		entry := recipientReport{Address: to.Path.Mailbox(), Outcome: r.Outcome}
		if i < len(a.receipt.Recipients) {
			result := a.receipt.Recipients[i]
			entry.Outcome = result.Outcome.String()
			entry.Reply, entry.Rcpt = replyOf(result.Reply), replyOf(result.Rcpt)
		}
		r.Recipients = append(r.Recipients, entry)
	}
	if a.client != nil {
		r.Server = a.client.Host()
	}
	if err != nil {
		r.failed(err)
	}
	return r
}

func (r *report) failed(err error) {
	r.Error = oneLine(err.Error())
	r.Kind = netasync.KindOf(err).String()
	if reply, ok := errors.AsType[*protocol.ReplyError](err); ok && r.Reply == nil {
		r.Reply = replyOf(reply.Reply)
	}
	if host, ok := errors.AsType[*netasync.HostError](err); ok {
		r.Server, r.Step, r.Temporary = host.Host, host.Step, host.Temporary()
	}
}

// replyOf is nil for the reply that was never read.
func replyOf(reply wire.Reply) *replyReport {
	if reply == (wire.Reply{}) {
		return nil
	}
	r := &replyReport{Code: reply.Code, Text: reply.Text}
	if !reply.Enhanced.IsZero() {
		r.Enhanced = reply.Enhanced.String()
	}
	return r
}

// print writes the report on one line. That it cannot be written changes nothing
// of what it says, nor the exit code.
func (r *report) print(w io.Writer) {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(r)
}
