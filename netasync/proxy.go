package netasync

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"github.com/pires/go-proxyproto"
)

const (
	// proxyTimeout is how long a proxy may take to say who the client is.
	proxyTimeout = 10 * time.Second
	// maxProxyV1 is the longest header of version 1 in octets, with its CRLF.
	maxProxyV1 = 107
	// maxProxyV2 bounds what a header of version 2 has besides its first 16 octets.
	maxProxyV2 = 4096
)

// proxyV2 is how a header of version 2 begins.
const proxyV2 = "\r\n\r\n\x00\r\nQUIT\n"

var errProxyHeader = errors.New("no header, or one that is too long")

// readProxyHeader learns from a trusted proxy who the client is. It reads not an octet
// beyond the header: a ClientHello may follow at once.
func (s *Session) readProxyHeader() error {
	s.conn.SetReadDeadline(time.Now().Add(proxyTimeout))
	b, err := readProxyHeader(s.conn)
	if err != nil {
		return err
	}
	header, err := proxyproto.Read(bufio.NewReader(bytes.NewReader(b)))
	if err != nil {
		return err
	}
	s.conn.SetReadDeadline(time.Time{})
	// LOCAL, and UNKNOWN: the proxy speaks for itself.
	if source, destination, ok := header.TCPAddrs(); ok && header.Command.IsProxy() {
		s.learn(func(who *identity) { who.remote, who.local = source, destination })
	}
	return nil
}

// readProxyHeader reads the octets of a header.
func readProxyHeader(r io.Reader) ([]byte, error) {
	b := make([]byte, len(proxyV2), maxProxyV1)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	if string(b) == proxyV2 {
		return readProxyV2(r, b)
	}
	if !bytes.HasPrefix(b, []byte("PROXY ")) {
		return nil, errProxyHeader
	}
	for b[len(b)-1] != '\n' {
		n := len(b)
		if n == maxProxyV1 {
			return nil, errProxyHeader
		}
		b = b[:n+1]
		if _, err := io.ReadFull(r, b[n:]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func readProxyV2(r io.Reader, b []byte) ([]byte, error) {
	b = b[:16]
	if _, err := io.ReadFull(r, b[len(proxyV2):]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(b[14:]))
	if n > maxProxyV2 {
		return nil, errProxyHeader
	}
	b = append(b, make([]byte, n)...)
	_, err := io.ReadFull(r, b[16:])
	return b, err
}
