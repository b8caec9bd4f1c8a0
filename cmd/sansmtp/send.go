package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// sendCommand is "sansmtp send".
type sendCommand struct {
	Server string   `default:"smtp://localhost" placeholder:"URL" help:"Where to connect: smtp, smtps, submission or lmtp://host[:port], or lmtp+unix:///path (${default})."`
	From   string   `required:"" placeholder:"ADDRESS" help:"The sender, to whom bounces go; an empty one for none."`
	To     []string `required:"" sep:"none" placeholder:"ADDRESS" help:"A recipient; may be given many times."`

	TLS         netasync.TLSMode `name:"tls" placeholder:"MODE" help:"off, opportunistic, required or implicit. Default: required with --user, else opportunistic."`
	TLSCA       string           `name:"tls-ca" placeholder:"FILE" help:"Trust the certificates in this PEM file, instead of the system's."`
	TLSInsecure bool             `name:"tls-insecure" help:"Accept any certificate."`

	User               string `help:"Log in as this user." placeholder:"NAME"`
	PasswordFile       string `xor:"secret" placeholder:"FILE" help:"Read the password from a file."`
	PasswordCmd        string `xor:"secret" placeholder:"COMMAND" help:"Read the password from what a shell command prints. Without either: from SANSMTP_PASSWORD."`
	TokenFile          string `xor:"secret" placeholder:"FILE" help:"Log in with the bearer token in a file (OAuth 2.0)."`
	TokenCmd           string `xor:"secret" placeholder:"COMMAND" help:"Log in with the bearer token that a shell command prints. Without any: from SANSMTP_TOKEN."`
	Auth               string `placeholder:"MECH" help:"Use this mechanism: SCRAM-SHA-256-PLUS, SCRAM-SHA-1-PLUS, SCRAM-SHA-256, SCRAM-SHA-1, CRAM-MD5, PLAIN, LOGIN; with a token OAUTHBEARER, XOAUTH2. Default: the strongest the server has."`
	AllowCleartextAuth bool   `help:"Allow mechanisms that show the secret without TLS."`

	Allow8Bit bool `name:"allow-8bit" help:"Send octets outside US-ASCII also where the server offers neither 8BITMIME nor SMTPUTF8 for them."`

	HELO    string        `name:"helo" placeholder:"NAME" help:"The name for EHLO. Default: this machine's."`
	Timeout time.Duration `placeholder:"DURATION" help:"Limit of each step, as 30s. Default: those of RFC 5321."`
	Trace   bool          `help:"Print the conversation on standard error, without secrets."`
	JSON    bool          `name:"json" help:"Print a report on standard output."`

	Message string `arg:"" optional:"" help:"The message's file; '-' or none: standard input."`
}

// Run sends, and reports. Its error is a *failure.
func (s *sendCommand) Run(ctx context.Context, sys system) error {
	a := attempt{sendCommand: s, sys: sys, watch: newStopwatch(time.Now())}
	err := a.run(ctx)
	code := a.exitCode(err, ctx.Err() != nil)
	switch {
	case s.JSON:
		a.report(code, err).print(sys.stdout)
	case err == nil:
		fmt.Fprintln(sys.stdout, "accepted: "+a.receipt.Reply.String())
	}
	if err != nil {
		return &failure{code, err}
	}
	return nil
}

// attempt is one run of the command, and what it came to.
type attempt struct {
	*sendCommand
	sys     system
	watch   *stopwatch
	env     protocol.Envelope
	client  *netasync.Client // nil until Dial has succeeded
	tls     protocol.TLSState
	stats   netasync.Stats
	receipt protocol.Receipt // zero until the message was sent, or not
}

// quitTime is how long the server may take over QUIT: the message's fate is known
// by then.
const quitTime = 5 * time.Second

// run does it all, in an order that finds what can be found before the network is
// used.
func (a *attempt) run(ctx context.Context) error {
	if err := a.parse(); err != nil {
		return &failure{exitUsage, err}
	}
	cfg, err := a.config(ctx)
	if err != nil {
		return &failure{exitConfig, err}
	}
	body, closeBody, err := openMessage(ctx, a.Message, a.sys.stdin)
	defer closeBody()
	if err != nil {
		return err
	}
	if a.client, err = netasync.Dial(ctx, a.Server, cfg); err != nil {
		if host, ok := errors.AsType[*netasync.HostError](err); ok {
			a.stats = host.Stats
		}
		return err
	}
	defer a.client.Close()
	a.tls = a.client.TLS()
	a.receipt, err = a.client.Send(ctx, a.env, body)
	// Whatever becomes of QUIT, the message's fate is known.
	ctx, cancel := context.WithTimeout(ctx, quitTime)
	defer cancel()
	_ = a.client.Quit(ctx)
	a.stats = a.client.Stats()
	if err == nil {
		err = a.partial()
	}
	return err
}

// parse reads the arguments that have a syntax of their own.
func (a *attempt) parse() error {
	if err := netasync.CheckURL(a.Server); err != nil {
		return fmt.Errorf("--server: %w", err)
	}
	var err error
	if a.env.From, err = parsePath(a.From); err != nil {
		return fmt.Errorf("--from %q: %w", a.From, err)
	}
	if a.env.From.IsPostmaster() {
		return fmt.Errorf("--from %q: no domain", a.From)
	}
	for _, to := range a.To {
		path, err := parsePath(to)
		if err == nil && path.IsNull() {
			err = errors.New("empty")
		}
		if err != nil {
			return fmt.Errorf("--to %q: %w", to, err)
		}
		a.env.To = append(a.env.To, wire.Recipient{Path: path})
	}
	if a.HELO != "" {
		if err := wire.CheckDomain(a.HELO); err != nil {
			return fmt.Errorf("--helo %q: %w", a.HELO, err)
		}
	}
	if a.Timeout < 0 {
		return fmt.Errorf("--timeout %v: negative", a.Timeout)
	}
	return nil
}

func parsePath(s string) (wire.Path, error) {
	path, err := wire.ParsePath(s)
	if err == nil {
		err = path.CheckLength()
	}
	return path, err
}

// config makes the client's configuration from the flags and what they refer to.
func (a *attempt) config(ctx context.Context) (netasync.Config, error) {
	cfg := netasync.Config{
		Hello:              a.HELO,
		TLS:                a.TLS,
		TLSConfig:          &tls.Config{InsecureSkipVerify: a.TLSInsecure},
		AllowCleartextAuth: a.AllowCleartextAuth,
		Allow8Bit:          a.Allow8Bit,
		ConnectTimeout:     a.Timeout,
		Timeouts:           timeouts(a.Timeout),
		Trace:              a.trace,
	}
	if a.TLSCA != "" {
		pem, err := os.ReadFile(a.TLSCA)
		if err != nil {
			return cfg, fmt.Errorf("--tls-ca: %w", err)
		}
		cfg.TLSConfig.RootCAs = x509.NewCertPool()
		if !cfg.TLSConfig.RootCAs.AppendCertsFromPEM(pem) {
			return cfg, fmt.Errorf("--tls-ca: no certificate in %s", a.TLSCA)
		}
	}
	var err error
	cfg.Login, err = a.login(ctx)
	return cfg, err
}

// timeouts are those of the flag: zero stays zero, which is the default.
func timeouts(d time.Duration) protocol.Timeouts {
	return protocol.Timeouts{
		Greeting: d, Mail: d, Rcpt: d, Data: d, Block: d, Final: d, Command: d, TLS: d, Drain: min(d, 10*time.Second),
	}
}

// trace takes the conversation as it comes.
func (a *attempt) trace(e protocol.TraceEvent) {
	a.watch.note(e)
	if a.Trace {
		fmt.Fprintf(a.sys.stderr, "%9.3f %s\n", e.Time.Sub(a.watch.start).Seconds(), e)
	}
}

// partial returns an error if the message was accepted, though not for all.
func (a *attempt) partial() error {
	var refused []*protocol.ReplyError
	for i, r := range a.receipt.Recipients {
		if r.Outcome == protocol.Refused {
			refused = append(refused, a.refusal(i))
		}
	}
	if len(refused) == 0 {
		return nil
	}
	all := len(a.receipt.Recipients)
	return &netasync.HostError{
		Host:  a.client.Host(),
		Step:  netasync.StepSend,
		Err:   fmt.Errorf("accepted for %d of %d recipients: %w", all-len(refused), all, &protocol.RecipientsError{Refused: refused}),
		Stats: a.stats,
	}
}

func (a *attempt) refusal(i int) *protocol.ReplyError {
	r := a.receipt.Recipients[i]
	command := wire.VerbRcpt
	if r.Rcpt.Positive() {
		command = endOfData // of LMTP
	}
	return &protocol.ReplyError{Reply: r.Reply, Command: command, Recipient: a.env.To[i].Path.String()}
}

// endOfData is what package protocol calls the command that a verdict on content
// answers.
const endOfData = "end of data"

// isLMTP reports whether the verdict on the content is one on each recipient.
func (a *attempt) isLMTP() bool { return strings.HasPrefix(strings.ToLower(a.Server), "lmtp") }
