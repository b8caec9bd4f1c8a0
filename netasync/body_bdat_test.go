package netasync_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// chunkServer takes one message by BDAT. begun is called with the first command for
// a chunk, before any of it is read.
func chunkServer(conn net.Conn, begun func()) (content []byte, err error) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	say := "220 mx.example\r\n"
	for {
		if _, err := conn.Write([]byte(say)); err != nil {
			return content, err
		}
		line, err := r.ReadString('\n')
		if err != nil {
			return content, err
		}
		say = "250 ok\r\n"
		verb, args, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch verb {
		case "EHLO":
			say = "250-mx.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-BINARYMIME\r\n250 CHUNKING\r\n"
		case "BDAT":
			if begun != nil {
				begun()
				begun = nil
			}
			var n int
			if _, err := fmt.Sscan(args, &n); err != nil {
				return content, err
			}
			p := make([]byte, n)
			n, err := io.ReadFull(r, p)
			if content = append(content, p[:n]...); err != nil {
				return content, err
			}
		case "QUIT":
			_, err := conn.Write([]byte("221 bye\r\n"))
			return content, err
		}
	}
}

// chunkPeer listens for one message, in clear or under TLS.
func chunkPeer(t *testing.T, secure bool, begun func()) (url string, cfg netasync.Config, done <-chan []byte) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	url, cfg = "smtp://"+ln.Addr().String(), me()
	if secure {
		url, cfg.TLSConfig = "smtps://"+ln.Addr().String(), &tls.Config{RootCAs: identity().roots}
	}
	content := make(chan []byte, 1)
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			content <- nil
			return
		}
		if secure {
			conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{identity().certs["localhost"]}})
		}
		p, _ := chunkServer(conn, begun)
		content <- p
	}()
	return url, cfg, content
}

// A file arrives by BDAT octet for octet, from the disk or through memory, in clear and
// under TLS, with line ends as they have to be.
func TestSendFile(t *testing.T) { // P23, C58, C67
	text := "Subject: hi\r\n\r\n" + strings.Repeat(strings.Repeat("0123456789", 7)+"\r\n", 60_000)
	binary := strings.Repeat("\x00\xff\r\n\n\r", 600_000)
	for _, test := range []struct {
		name, content, want string
		open                func(string) (protocol.Body, error)
		params              wire.MailParams
	}{
		{"CRLF", text, text, netasync.BodyFile, wire.MailParams{}},
		{"no last line end", text + "x", text + "x\r\n", netasync.BodyFile, wire.MailParams{}},
		{"LF", strings.ReplaceAll(text, "\r\n", "\n"), text, netasync.BodyFile, wire.MailParams{}},
		{"small", "hi\r\n", "hi\r\n", netasync.BodyFile, wire.MailParams{}},
		{"empty", "", "", netasync.BodyFile, wire.MailParams{}},
		{"verbatim", text, text, netasync.BodyFileVerbatim, wire.MailParams{}},
		{"binary", binary, binary, netasync.BodyFileVerbatim, wire.MailParams{Body: wire.BodyBinaryMIME}},
		{"binary, looked through", binary, binary, netasync.BodyFile, wire.MailParams{Body: wire.BodyBinaryMIME}},
	} {
		for _, secure := range []bool{false, true} {
			name := filepath.Join(t.TempDir(), "message")
			if err := os.WriteFile(name, []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			body, err := test.open(name)
			if err != nil {
				t.Fatal(err)
			}
			url, cfg, done := chunkPeer(t, secure, nil)
			c := dial(t, url, cfg)
			env := envelope()
			env.Params = test.params
			if receipt, err := c.Send(t.Context(), env, body); err != nil || receipt.Outcome != protocol.Accepted {
				t.Errorf("%s, TLS %v: %+v, %v", test.name, secure, receipt, err)
			}
			sent := c.Stats().Sent
			quit(t, c)
			if got := <-done; !bytes.Equal(got, []byte(test.want)) || sent < int64(len(got)) {
				t.Errorf("%s, TLS %v: got %d octets, want %d; counted %d", test.name, secure, len(got), len(test.want), sent)
			}
			if left := openFiles(name); left > 0 {
				t.Errorf("%s, TLS %v: %d files left open", test.name, secure, left)
			}
		}
	}
}

// A file that becomes shorter while the system copies it leaves the chunk unfinished
// and the connection ended: the server cannot have the message, and the error says so.
func TestSendFileTruncated(t *testing.T) { // C31
	for _, secure := range []bool{false, true} {
		name := filepath.Join(t.TempDir(), "message")
		content := strings.Repeat(strings.Repeat("0123456789", 7)+"\r\n", 500_000)
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		body, err := netasync.BodyFile(name)
		if err != nil {
			t.Fatal(err)
		}
		// Far more than any socket holds is still to come when nobody has read anything.
		url, cfg, done := chunkPeer(t, secure, func() {
			if err := os.Truncate(name, int64(len(content))-1<<20); err != nil {
				t.Error(err)
			}
		})
		c := dial(t, url, cfg)
		receipt, err := c.Send(t.Context(), envelope(), body)
		if body := (*protocol.BodyError)(nil); receipt.Outcome != protocol.NotDelivered || !errors.As(err, &body) || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("TLS %v: %+v, %v", secure, receipt, err)
		}
		if netasync.KindOf(err) != netasync.KindMessage {
			t.Errorf("TLS %v: kind %v", secure, netasync.KindOf(err))
		}
		<-c.Done()
		if got := <-done; len(got) >= len(content) || !strings.HasPrefix(content, string(got)) {
			t.Errorf("TLS %v: got %d octets", secure, len(got))
		}
		if left := openFiles(name); left > 0 {
			t.Errorf("TLS %v: %d files left open", secure, left)
		}
	}
}
