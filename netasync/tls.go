package netasync

import (
	"crypto/tls"
	"crypto/x509"
	"sync/atomic"
)

// serverName is the name to ask for and to verify; "" for a Unix socket without
// one in the configuration.
func (cfg *Config) serverName(a address) string {
	if cfg.TLSConfig != nil && cfg.TLSConfig.ServerName != "" {
		return cfg.TLSConfig.ServerName
	}
	return a.host
}

// mustVerify reports whether a certificate that cannot be verified ends the
// connection.
func (cfg *Config) mustVerify() bool {
	insecure := cfg.TLSConfig != nil && cfg.TLSConfig.InsecureSkipVerify
	return cfg.TLS >= TLSRequired && !insecure
}

// tls returns the configuration for one connection. Where the certificate does not
// decide, it is checked all the same, and verified told what came of it.
func (cfg *Config) tls(name string, verified *atomic.Bool) *tls.Config {
	c := &tls.Config{}
	if cfg.TLSConfig != nil {
		c = cfg.TLSConfig.Clone()
	}
	c.ServerName = name
	mustVerify, also := cfg.mustVerify(), c.VerifyConnection
	c.InsecureSkipVerify = !mustVerify
	c.VerifyConnection = func(cs tls.ConnectionState) error {
		verified.Store(mustVerify || verify(c, cs))
		if also != nil {
			return also(cs)
		}
		return nil
	}
	return c
}

// verify does what crypto/tls leaves out with InsecureSkipVerify.
func verify(c *tls.Config, cs tls.ConnectionState) bool {
	if c.ServerName == "" || len(cs.PeerCertificates) == 0 {
		return false
	}
	options := x509.VerifyOptions{DNSName: c.ServerName, Roots: c.RootCAs, Intermediates: x509.NewCertPool()}
	if c.Time != nil {
		options.CurrentTime = c.Time()
	}
	for _, cert := range cs.PeerCertificates[1:] {
		options.Intermediates.AddCert(cert)
	}
	_, err := cs.PeerCertificates[0].Verify(options)
	return err == nil
}
