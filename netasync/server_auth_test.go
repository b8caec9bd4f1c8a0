package netasync_test

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// loginHello is serverHello of a server with a store of users.
var loginHello = strings.Replace(serverHello, "S: 250 ENHANCEDSTATUSCODES",
	"S: 250-ENHANCEDSTATUSCODES\n	S: 250 AUTH SCRAM-SHA-256 SCRAM-SHA-1 OAUTHBEARER XOAUTH2 CRAM-MD5 PLAIN LOGIN", 1)

const (
	userName = "george"
	password = "abracadabra"
)

// users is a store of one user, for every kind of credentials.
func users(t *testing.T) *auth.Server {
	scram := map[crypto.Hash]auth.SCRAMCredentials{}
	for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
		credentials, err := auth.NewSCRAMCredentials(hash, password, []byte("salt"), 4096)
		if err != nil {
			t.Fatal(err)
		}
		scram[hash] = credentials
	}
	return &auth.Server{
		Name: "mx.example",
		Password: func(user, given string) error {
			if user != userName || given != password {
				return auth.ErrCredentials
			}
			return nil
		},
		Secret: func(user string) (string, error) {
			if user != userName {
				return "", auth.ErrUnknownUser
			}
			return password, nil
		},
		SCRAM: func(hash crypto.Hash, user string) (auth.SCRAMCredentials, error) {
			if user != userName {
				return auth.SCRAMCredentials{}, auth.ErrUnknownUser
			}
			return scram[hash], nil
		},
		SCRAMHashes: []crypto.Hash{crypto.SHA256, crypto.SHA1},
		SCRAMKey:    []byte("0123456789abcdef"),
		Token: func(identity, token string) (string, error) {
			if token != password {
				return "", auth.ErrCredentials
			}
			return userName, nil
		},
	}
}

// loginServer serves who may tell its handlers who they are.
func loginServer(t *testing.T, srv *netasync.Server) string {
	mux := &netasync.Mux{}
	mux.HandleFunc("XWHO", func(w netasync.ReplyWriter, r *netasync.Request) {
		l := r.Session.Login()
		w.Answer(text(250, l.Mechanism+"|"+l.Username+"|"+l.Identity))
	})
	srv.Handler = mux
	srv.TLSConfig = serverTLS("localhost")
	_, port, _ := net.SplitHostPort(serve(t, srv))
	return "smtp://localhost:" + port
}

func who(t *testing.T, c *netasync.Client) string {
	t.Helper()
	reply, err := command(t, c, "XWHO")
	if err != nil {
		t.Fatal(err)
	}
	return reply.Text
}

// command runs a command of one's own.
func command(t *testing.T, c *netasync.Client, verb string) (reply wire.Reply, err error) {
	t.Helper()
	done := make(chan struct{})
	c.Do(func(m *protocol.Client) {
		m.Do(protocol.Command{Verb: verb}).OnReady(func(r wire.Reply, e error) {
			reply, err = r, e
			close(done)
		})
	})
	<-done
	return reply, err
}

// Every mechanism, with the store in time and with one that takes its time.
func TestServerLogins(t *testing.T) { // P9, A2
	passwordMechanisms := []string{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"}
	for _, mechanism := range append(passwordMechanisms, "OAUTHBEARER", "XOAUTH2") {
		t.Run(mechanism, func(t *testing.T) {
			var log, trace syncBuffer
			srv := &netasync.Server{
				Auth:   users(t),
				Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
				Trace: func(*netasync.Session) func(protocol.TraceEvent) {
					return func(e protocol.TraceEvent) { fmt.Fprintln(&trace, e) }
				},
			}
			url := loginServer(t, srv)
			credentials := netasync.Password
			if strings.HasSuffix(mechanism, "OAUTH2") || strings.HasPrefix(mechanism, "OAUTH") {
				credentials = netasync.Token
			}
			for _, secret := range []string{password, "wrong"} {
				login, err := credentials(userName, secret, mechanism)
				if err != nil {
					t.Fatal(err)
				}
				cfg := me()
				cfg.Login = login
				cfg.TLSConfig = trusting()
				c, err := netasync.Dial(t.Context(), url, cfg)
				if secret == password {
					if err != nil {
						t.Fatal(err)
					}
					if got, want := who(t, c), mechanism+"|"+userName+"|"+userName; got != want {
						t.Errorf("got %s, want %s", got, want)
					}
					quit(t, c)
					continue
				}
				refusal, is := errors.AsType[*protocol.ReplyError](err)
				if !is || refusal.Reply.String() != "535 5.7.8 authentication failed" {
					t.Errorf("a wrong secret: %v", err)
				}
			}
			srv.Close()
			for _, printed := range []string{log.String(), trace.String()} { // H-A9
				if printed == "" || strings.Contains(printed, password) || strings.Contains(printed, "YWJyYWNhZGFicmE") ||
					strings.Contains(printed, "AGdlb3JnZQ") {
					t.Errorf("printed %s", printed)
				}
			}
		})
	}
}

// While the store of one session thinks, other sessions go on. // A7
func TestServerLoginOfASlowStore(t *testing.T) {
	asked := make(chan struct{})
	wait, release := context.WithCancel(t.Context())
	users := users(t)
	right := users.Password
	users.Password = func(user, given string) error {
		close(asked)
		<-wait.Done()
		return right(user, given)
	}
	users.AllowCleartext = true
	mux := &netasync.Mux{}
	mux.HandleFunc("NOOP", func(w netasync.ReplyWriter, r *netasync.Request) {
		w.Answer(text(250, "you are <"+r.Session.Login().Username+">"))
	})
	addr := serve(t, &netasync.Server{Auth: users, Handler: mux})
	conn := say(t, addr, loginHello+`
		C: AUTH PLAIN AGdlb3JnZQBhYnJhY2FkYWJyYQ==
	`)
	defer release()
	<-asked
	say(t, addr, loginHello+`
		C: NOOP
		S: 250 2.0.0 you are <>
	`)
	release()
	sayOn(t, conn, `
		S: 235 2.7.0 authenticated
		C: NOOP
		S: 250 2.0.0 you are <george>
		C: AUTH PLAIN
		S: 503 5.5.1 authenticated already
	`)
}

// A store that cannot be reached, and a client that does not wait for the answer.
func TestServerLoginFails(t *testing.T) {
	users := users(t)
	users.AllowCleartext = true
	asked := make(chan struct{}, 1)
	users.Password = func(string, string) error { return errors.New("the database is gone: secret detail") }
	addr := serve(t, &netasync.Server{Auth: users})
	say(t, addr, loginHello+`
		C: AUTH PLAIN AGdlb3JnZQBhYnJhY2FkYWJyYQ==
		S: 454 4.7.0 temporary authentication failure
		C: AUTH LOGIN
		S: 334 VXNlcm5hbWU6
		C: *
		S: 501 5.7.0 authentication cancelled
		C: AUTH LOGIN
		S: 334 VXNlcm5hbWU6
		C: !
		S: 501 5.5.2 not base64
		C: AUTH NOSUCH
		S: 504 5.5.4 mechanism not supported
		C: NOOP
		S: 250 2.0.0 ok
	`)
	release := make(chan struct{})
	users.Secret = func(string) (string, error) {
		asked <- struct{}{}
		<-release
		return password, nil
	}
	srv := &netasync.Server{Auth: users}
	conn := say(t, serve(t, srv), loginHello+`
		C: AUTH CRAM-MD5
	`)
	line := make([]byte, 512)
	if _, err := conn.Read(line); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("Z2VvcmdlIDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw\r\n")); err != nil {
		t.Fatal(err)
	}
	<-asked
	conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
	close(release)
	srv.Close()
}

// A store that panics ends the session that asked it.
func TestServerLoginPanics(t *testing.T) { // F27
	users := users(t)
	users.AllowCleartext = true
	users.Password = func(string, string) error { panic("no store") }
	addr := serve(t, &netasync.Server{Auth: users})
	other := say(t, addr, loginHello)
	say(t, addr, loginHello+`
		C: AUTH PLAIN AGdlb3JnZQBhYnJhY2FkYWJyYQ==
		S: 421 4.3.0 mx.example local error
		EOF
	`)
	sayOn(t, other, `
		C: NOOP
		S: 250 2.0.0 ok
	`)
}

// A handler of AUTH may refuse, and else leaves it to the store.
func TestHandlerOfAuth(t *testing.T) {
	users := users(t)
	users.AllowCleartext = true
	var once sync.Once
	mux := &netasync.Mux{}
	mux.HandleFunc("AUTH", func(w netasync.ReplyWriter, r *netasync.Request) {
		if r.Args != "PLAIN" {
			t.Errorf("args %q", r.Args) // H-A9: the response is none of the handler's
		}
		once.Do(func() { w.Answer(text(454, "not yet")) })
	})
	say(t, serve(t, &netasync.Server{Auth: users, Handler: mux}), loginHello+`
		C: AUTH PLAIN AGdlb3JnZQBhYnJhY2FkYWJyYQ==
		S: 454 4.0.0 not yet
		C: AUTH PLAIN AGdlb3JnZQBhYnJhY2FkYWJyYQ==
		S: 235 2.7.0 authenticated
	`)
}
