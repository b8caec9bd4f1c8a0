package transport

import (
	"crypto"
	_ "crypto/sha256" // the hashes of serverEndPoint
	_ "crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"time"
)

// peerConn is the connection under TLS. A server's tls.Config is shared by all its
// connections and learns through this one's ClientHelloInfo whose handshake it is.
type peerConn struct {
	net.Conn
	early       []byte            // comes before what Conn has to read
	latest      time.Time         // of write deadlines, once set
	ended       bool              // Conn has ended: crypto/tls needed more than came
	certificate *x509.Certificate // of the server, where ServerTLS saw it
}

// SetWriteDeadline keeps the time that crypto/tls takes for a close_notify within
// the Loop's own limit.
func (c *peerConn) SetWriteDeadline(t time.Time) error {
	if !c.latest.IsZero() && t.After(c.latest) {
		t = c.latest
	}
	return c.Conn.SetWriteDeadline(t)
}

func (c *peerConn) Read(p []byte) (int, error) {
	if len(c.early) > 0 {
		n := copy(p, c.early)
		if c.early = c.early[n:]; len(c.early) == 0 {
			c.early = nil
		}
		return n, nil
	}
	n, err := c.Conn.Read(p)
	c.ended = c.ended || err == io.EOF
	return n, err
}

// truncated reports whether an end of input is one of the connection below alone.
// crypto/tls lets that pass between two records, where it is as much of an attack as
// anywhere (RFC 8446 §6.1).
func truncated(conn net.Conn, err error) bool {
	secure, ok := conn.(*tls.Conn)
	return ok && err == io.EOF && secure.NetConn().(*peerConn).ended
}

// ServerTLS returns a copy of cfg for the connections of one listener: it notes the
// certificate that each handshake uses, which the channel binding
// tls-server-end-point (RFC 5929 §4) takes. Without it that binding is missing, and
// everything else works. Make it once: copies do not share the keys that session
// tickets are sealed with.
//
// A config that cfg's GetConfigForClient returns has to be made by ServerTLS too.
func ServerTLS(cfg *tls.Config) *tls.Config {
	cfg = modern(cfg).Clone()
	get, list := cfg.GetCertificate, cfg.Certificates
	cfg.Certificates = nil // else crypto/tls asks only where the client names a host
	cfg.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert, err := choose(hello, get, list)
		if p, ok := hello.Conn.(*peerConn); ok && err == nil {
			p.certificate = leaf(cert)
		}
		return cert, err
	}
	return cfg
}

// choose chooses as a tls.Config does: by its function, and then the first
// certificate that suits the client, or simply the first.
func choose(hello *tls.ClientHelloInfo, get func(*tls.ClientHelloInfo) (*tls.Certificate, error), list []tls.Certificate) (*tls.Certificate, error) {
	if get != nil && (len(list) == 0 || hello.ServerName != "") {
		if cert, err := get(hello); cert != nil || err != nil {
			return cert, err
		}
	}
	for i := range list {
		if hello.SupportsCertificate(&list[i]) == nil {
			return &list[i], nil
		}
	}
	if len(list) > 0 {
		return &list[0], nil
	}
	return nil, ErrNoCertificate
}

// ErrNoCertificate is the error of a server's handshake whose configuration has no
// certificate.
var ErrNoCertificate = errors.New("no certificate is configured")

func leaf(cert *tls.Certificate) *x509.Certificate {
	if cert.Leaf != nil || len(cert.Certificate) == 0 {
		return cert.Leaf
	}
	parsed, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		return nil
	}
	return parsed
}

// serverEndPoint returns the channel binding tls-server-end-point; nil where it is
// not defined: for a signature that has no hash of its own.
func serverEndPoint(cert *x509.Certificate) []byte {
	if cert == nil {
		return nil
	}
	var hash crypto.Hash
	switch cert.SignatureAlgorithm {
	// RFC 5929 §4.1: SHA-256 takes the place of MD5 and SHA-1.
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1,
		x509.SHA256WithRSA, x509.SHA256WithRSAPSS, x509.DSAWithSHA256, x509.ECDSAWithSHA256:
		hash = crypto.SHA256
	case x509.SHA384WithRSA, x509.SHA384WithRSAPSS, x509.ECDSAWithSHA384:
		hash = crypto.SHA384
	case x509.SHA512WithRSA, x509.SHA512WithRSAPSS, x509.ECDSAWithSHA512:
		hash = crypto.SHA512
	default:
		return nil
	}
	h := hash.New()
	h.Write(cert.Raw)
	return h.Sum(nil)
}
