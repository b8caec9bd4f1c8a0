package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"slices"
	"time"
)

// serverCertificate is what a server shows.
type serverCertificate struct {
	config *tls.Config // nil: no TLS
	roots  *x509.CertPool
	// file has the certificate in PEM, for clients to trust, where it was made for the
	// occasion.
	file string
}

// selfMade is how long a certificate made for the occasion lasts.
const selfMade = 30 * 24 * time.Hour

// certificate loads the one that is named, or makes one.
func (s *serveCommand) certificate() (*serverCertificate, error) {
	if s.TLS == tlsOff {
		return &serverCertificate{}, nil
	}
	if s.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(s.TLSCert, s.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("--tls-cert: %w", err)
		}
		return &serverCertificate{config: &tls.Config{Certificates: []tls.Certificate{pair}}}, nil
	}
	hosts := localHosts()
	if s.Hostname != "" && !slices.Contains(hosts, s.Hostname) {
		hosts = append(hosts, s.Hostname)
	}
	c, text, err := makeCertificate(hosts...)
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp("", "sansmtp-*.pem")
	if err != nil {
		return nil, err
	}
	c.file = f.Name()
	_, err = f.Write(text)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		c.remove()
		return nil, err
	}
	return c, nil
}

func makeCertificate(hosts ...string) (*serverCertificate, []byte, error) {
	pair, text, err := selfSigned(time.Now(), selfMade, hosts...)
	if err != nil {
		return nil, nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(pair.Leaf)
	return &serverCertificate{config: &tls.Config{Certificates: []tls.Certificate{pair}}, roots: roots}, text, nil
}

// remove removes the file again: nobody has a use for it once the server is gone.
func (c *serverCertificate) remove() {
	if c.file != "" {
		_ = os.Remove(c.file)
	}
}
