package auth

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"fmt"
	"slices"

	"github.com/xdg-go/scram"

	"github.com/sansmtp/sansmtp/protocol"
)

const (
	// DefaultSCRAMIterations is the iteration count of new credentials. Each login
	// costs the client, not the server, that many rounds.
	DefaultSCRAMIterations = 15_000
	// saltSize is the size of a new salt in octets.
	saltSize = 16
)

// SCRAMCredentials are what a server stores of a user for SCRAM (RFC 5802 §3), in
// place of the password. Who steals them can try passwords against them, and can
// play the server towards that user; so they are not printed.
type SCRAMCredentials struct {
	Hash       crypto.Hash // SHA1 or SHA256
	Salt       []byte
	Iterations int
	StoredKey  []byte
	ServerKey  []byte
}

// NewSCRAMCredentials makes the credentials for a password. An empty salt stands for
// 16 random octets, and 0 iterations for DefaultSCRAMIterations. The error is a
// *protocol.ConfigError: another hash, iterations not from MinSCRAMIterations to
// MaxSCRAMIterations, or a password that the profile OpaqueString of RFC 8265 does
// not allow.
func NewSCRAMCredentials(hash crypto.Hash, password string, salt []byte, iterations int) (SCRAMCredentials, error) {
	if len(salt) == 0 {
		salt = make([]byte, saltSize)
		rand.Read(salt)
	}
	if iterations == 0 {
		iterations = DefaultSCRAMIterations
	}
	c := SCRAMCredentials{Hash: hash, Salt: slices.Clone(salt), Iterations: iterations}
	if err := c.checkFactors(); err != nil {
		return SCRAMCredentials{}, err
	}
	prepared, err := preparePassword(password)
	if err != nil {
		return SCRAMCredentials{}, err
	}
	keys, err := c.derive(prepared)
	if err != nil {
		return SCRAMCredentials{}, err
	}
	c.StoredKey, c.ServerKey = keys.StoredKey, keys.ServerKey
	return c, nil
}

// Verify reports whether a password is the one that c was made of. The time it takes
// depends on c.Iterations alone.
func (c SCRAMCredentials) Verify(password string) bool {
	prepared, err := preparePassword(password)
	if err != nil || c.Check() != nil {
		return false
	}
	keys, err := c.derive(prepared)
	return err == nil && hmac.Equal(keys.StoredKey, c.StoredKey)
}

// Format implements fmt.Formatter: whatever the verb, no key is printed, and nor is
// the salt.
func (c SCRAMCredentials) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "auth.SCRAMCredentials{%v, %d iterations}", c.Hash, c.Iterations)
}

// derive computes the keys for a prepared password.
func (c SCRAMCredentials) derive(password string) (scram.StoredCredentials, error) {
	client, err := scram.HashGeneratorFcn(c.Hash.New).NewClientUnprepped("", password, "")
	if err != nil {
		return scram.StoredCredentials{}, err
	}
	return client.GetStoredCredentialsWithError(scram.KeyFactors{Salt: string(c.Salt), Iters: c.Iterations})
}

func (c SCRAMCredentials) checkFactors() error {
	const field = "SCRAM credentials"
	switch {
	case c.Hash != crypto.SHA1 && c.Hash != crypto.SHA256:
		return &protocol.ConfigError{Field: field, Reason: "no such hash"}
	case c.Iterations < MinSCRAMIterations || c.Iterations > MaxSCRAMIterations:
		return &protocol.ConfigError{Field: field, Reason: fmt.Sprintf("iteration count %d is not in %d to %d", c.Iterations, MinSCRAMIterations, MaxSCRAMIterations)}
	case len(c.Salt) == 0 || len(c.Salt) > maxSalt:
		return &protocol.ConfigError{Field: field, Reason: fmt.Sprintf("salt of %d octets is not of 1 to %d", len(c.Salt), maxSalt)}
	}
	return nil
}

// maxSalt keeps the server-first-message within a line.
const maxSalt = 1024

// Check reports what a server could not use: a hash that there is no SCRAM for here,
// iterations not from MinSCRAMIterations to MaxSCRAMIterations, no salt or one over 1024
// octets, keys of another size than the hash has. The error is a *protocol.ConfigError.
func (c SCRAMCredentials) Check() error {
	if err := c.checkFactors(); err != nil {
		return err
	}
	if len(c.StoredKey) != c.Hash.Size() || len(c.ServerKey) != c.Hash.Size() {
		return &protocol.ConfigError{Field: "SCRAM credentials", Reason: "keys are not of the size of the hash"}
	}
	return nil
}
