package netasync

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
	"github.com/sansmtp/sansmtp/transport"
)

// Dial connects to a server, introduces itself, starts TLS and logs in, as cfg
// says. The URL is one of
//
//	smtp://host[:25]        SMTP
//	smtps://host[:465]      SMTP under implicit TLS
//	submission://host[:587] SMTP, by the port for users' own mail
//	lmtp://host[:24]        LMTP (RFC 2033)
//	lmtp+unix:///path       LMTP over a Unix socket
//
// An error in the URL or in cfg is a *protocol.ConfigError, found before the network
// is used. All others are a *HostError. The end of ctx ends Dial, with its cause in
// the error, but not the Client that Dial returned before.
func Dial(ctx context.Context, server string, cfg Config) (*Client, error) {
	a, err := parseURL(server)
	if err != nil {
		return nil, err
	}
	if err := cfg.resolve(a); err != nil {
		return nil, err
	}
	// The machine is made where its clock begins; here it only has its say.
	if _, err := protocol.NewClient(time.Now(), cfg.client(a)); err != nil {
		return nil, err
	}
	c, err := dial(ctx, a, cfg)
	if cfg.AllowClear && cfg.TLS == TLSOpportunistic && tlsFailed(err) {
		cfg.TLS = TLSOff
		return dial(ctx, a, cfg)
	}
	return c, err
}

// tlsFailed reports whether TLS was offered, and then refused or not achieved.
// Octets injected into the exchange are no reason to trust the path more.
func tlsFailed(err error) bool {
	host, ok := errors.AsType[*HostError](err)
	if !ok || host.Step != StepTLS && host.Step != StepStartTLS {
		return false
	}
	kind := KindOf(err)
	return kind == KindTLS || kind == KindReply
}

func dial(ctx context.Context, a address, cfg Config) (*Client, error) {
	begin := time.Now()
	conn, err := connect(ctx, a, &cfg)
	c := &Client{host: a.dial, connect: time.Since(begin)}
	if err != nil {
		return nil, c.failed(networkStep(err), err)
	}
	c.drive(ctx, conn, a, &cfg)
	step, err := c.open(ctx, &cfg, hello(&cfg, conn))
	if err != nil {
		if is[*protocol.TLSError](err) {
			step = StepTLS
		}
		c.part(ctx)
		return nil, c.failed(step, err)
	}
	return c, nil
}

func connect(ctx context.Context, a address, cfg *Config) (net.Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, cfg.ConnectTimeout,
		&protocol.TimeoutError{Step: "connection", Limit: cfg.ConnectTimeout})
	defer cancel()
	dial := cfg.DialContext
	if dial == nil {
		var d net.Dialer
		if cfg.LocalAddr != (netip.AddrPort{}) && !a.unix {
			d.LocalAddr = net.TCPAddrFromAddrPort(cfg.LocalAddr)
		}
		dial = d.DialContext
	}
	conn, err := dial(ctx, a.network(), a.dial)
	if err != nil && ctx.Err() != nil {
		return nil, ended(ctx)
	}
	return conn, err
}

// drive sets the machine going on a connection.
func (c *Client) drive(ctx context.Context, conn net.Conn, a address, cfg *Config) {
	c.core, _ = protocol.NewClient(time.Now(), cfg.client(a)) // Dial has seen that it works
	// The connection itself is what the greeting answers.
	c.meter = &meter{Core: c.core, waiting: true}
	c.loop = transport.Drive(context.WithoutCancel(ctx), conn, c.meter, transport.LoopConfig{
		TLS:         cfg.tls(cfg.serverName(a), &c.verified),
		ImplicitTLS: cfg.TLS == TLSImplicit,
	})
}

// open leads the session to where messages can be sent. The step is where it
// failed.
func (c *Client) open(ctx context.Context, cfg *Config, name string) (step string, err error) {
	if _, err := await(ctx, c, c.core.Greeting); err != nil {
		return StepGreeting, err
	}
	ext, err := await(ctx, c, func() *future.Future[protocol.Extensions] { return c.core.Hello(name) })
	if err != nil {
		return StepHello, err
	}
	offered := (ext.Set() &^ cfg.Disable).Has(wire.StartTLS)
	if cfg.TLS == TLSRequired || cfg.TLS == TLSOpportunistic && offered {
		if _, err := await(ctx, c, c.core.StartTLS); err != nil {
			return StepStartTLS, err
		}
	}
	if cfg.Login != nil {
		login := func() *future.Future[wire.Reply] { return c.core.Login(cfg.Login...) }
		if _, err := await(ctx, c, login); err != nil {
			return StepAuth, err
		}
	}
	return "", nil
}

// await asks the machine for something and waits for it.
func await[T any](ctx context.Context, c *Client, ask func() *future.Future[T]) (T, error) {
	var f *future.Future[T]
	c.loop.Do(func(time.Time) { f = ask() })
	if !settles(ctx, f) {
		var zero T
		return zero, ended(ctx)
	}
	v, err, _ := f.Result()
	return v, err
}

// settles waits for f, and reports false if ctx ended before.
func settles[T any](ctx context.Context, f *future.Future[T]) bool {
	select {
	case <-f.Done():
		return true
	case <-ctx.Done():
		return f.Settled()
	}
}

// partTime is how long a server may take over the QUIT of a session that came to
// nothing.
const partTime = 2 * time.Second

// part ends a session that came to nothing: politely where the connection is still
// good for it, since servers note who hangs up on them.
func (c *Client) part(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, partTime)
	defer cancel()
	c.loop.Do(func(time.Time) { c.core.Quit() })
	select {
	case <-c.loop.Done():
	case <-ctx.Done():
	}
	c.loop.Close()
}

// hello is the name for EHLO.
func hello(cfg *Config, conn net.Conn) string {
	if cfg.Hello != "" {
		return cfg.Hello
	}
	name, _ := os.Hostname() // "" where nobody knows it
	return helloName(name, conn)
}

// helloName is the host's name if others can make sense of it, else its address.
func helloName(hostname string, conn net.Conn) string {
	if strings.Contains(hostname, ".") && wire.CheckDomain(hostname) == nil {
		return hostname
	}
	local, isTCP := conn.LocalAddr().(*net.TCPAddr)
	if !isTCP {
		return "localhost"
	}
	return literal(local.AddrPort().Addr())
}

// literal writes an address literal (RFC 5321 §4.1.3).
func literal(ip netip.Addr) string {
	if ip = ip.Unmap().WithZone(""); ip.Is4() {
		return "[" + ip.String() + "]"
	}
	return "[IPv6:" + ip.String() + "]"
}
