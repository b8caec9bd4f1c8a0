package main

import (
	"cmp"
	"crypto"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/sansmtp/sansmtp/protocol/auth"
)

// anyUser is the value of --auth that lets everybody in.
const anyUser = "any"

// authServer returns the server's side of AUTH for a value of --auth: "any", or the
// name of a file of users. host is the name of this host, for CRAM-MD5.
//
// The file has a line for each user. Empty lines, and those that begin with "#", are
// comments.
//
//	NAME:PASSWORD
//	NAME:{PLAIN}PASSWORD
//	NAME:{SCRAM-SHA-256}ITERATIONS,SALT,STORED-KEY,SERVER-KEY
//	NAME:{SCRAM-SHA-1}ITERATIONS,SALT,STORED-KEY,SERVER-KEY
//
// Salt and keys are in base64, as Dovecot has them. A user may have both kinds of
// SCRAM. Only mechanisms that all users can use are offered: a client that can do a
// stronger one would not try the weaker one. So one user whose password is not known
// takes CRAM-MD5 away. With "any" they are PLAIN and LOGIN.
//
// An error of the file is a *lineError, or says that no mechanism is left.
func authServer(value, host string, allowCleartext bool) (*auth.Server, error) {
	if value == anyUser {
		return &auth.Server{
			Name:           host,
			Password:       func(string, string) error { return nil },
			Authorize:      func(string, string) error { return nil },
			AllowCleartext: allowCleartext,
		}, nil
	}
	text, err := os.ReadFile(value)
	if err != nil {
		return nil, fmt.Errorf("--auth: %w", err)
	}
	u, err := parseUsers(value, string(text))
	if err != nil {
		return nil, fmt.Errorf("--auth: %w", err)
	}
	server, err := u.server()
	if err != nil {
		return nil, fmt.Errorf("--auth: %s: %w", value, err)
	}
	server.Name, server.AllowCleartext = host, allowCleartext
	return server, nil
}

// lineError says what is wrong with a line of a file, without repeating what may be a
// secret.
type lineError struct {
	file string
	line int // from 1 on
	err  error
}

func (e *lineError) Error() string { return fmt.Sprintf("%s:%d: %v", e.file, e.line, e.err) }

func (e *lineError) Unwrap() error { return e.err }

var (
	errNoUsers    = errors.New("no users in it")
	errNoHash     = errors.New("users have no hash of SCRAM in common")
	errNoColon    = errors.New("no colon behind the user name")
	errNoPassword = errors.New("no password")
	errTwice      = errors.New("the same user again")
	errScheme     = errors.New("unknown scheme; a password that begins with a brace needs {PLAIN} in front")
	errSCRAMText  = errors.New("not ITERATIONS,SALT,STORED-KEY,SERVER-KEY in base64")
)

// The schemes in front of what a user has.
const (
	schemePlain       = "PLAIN"
	schemeSCRAMSHA256 = "SCRAM-SHA-256"
	schemeSCRAMSHA1   = "SCRAM-SHA-1"
)

// users are those of a file, by their prepared names.
type users map[string]*user

type user struct {
	password string // "": not known
	scram    map[crypto.Hash]auth.SCRAMCredentials
}

func parseUsers(file, text string) (users, error) {
	all := users{}
	line := 0
	for s := range strings.Lines(text) {
		line++
		s = strings.TrimSuffix(strings.TrimSuffix(s, "\n"), "\r")
		if t := strings.TrimSpace(s); t == "" || t[0] == '#' {
			continue
		}
		if err := all.add(s); err != nil {
			return nil, &lineError{file, line, err}
		}
	}
	return all, nil
}

func (all users) add(s string) error {
	name, value, found := strings.Cut(s, ":")
	if !found {
		return errNoColon
	}
	name, err := auth.PrepareUsername(name)
	if err != nil {
		return err
	}
	scheme := schemePlain
	if value, found = strings.CutPrefix(value, "{"); found {
		if scheme, value, found = strings.Cut(value, "}"); !found {
			return errScheme
		}
	}
	u := all[name]
	if u == nil {
		u = &user{scram: map[crypto.Hash]auth.SCRAMCredentials{}}
		all[name] = u
	}
	switch strings.ToUpper(scheme) {
	case schemePlain:
		return u.setPassword(value)
	case schemeSCRAMSHA256:
		return u.setSCRAM(crypto.SHA256, value)
	case schemeSCRAMSHA1:
		return u.setSCRAM(crypto.SHA1, value)
	}
	return errScheme
}

func (u *user) setPassword(password string) error {
	switch {
	case password == "":
		return errNoPassword
	case u.password != "" || len(u.scram) > 0:
		return errTwice
	}
	for _, hash := range []crypto.Hash{crypto.SHA256, crypto.SHA1} {
		c, err := auth.NewSCRAMCredentials(hash, password, nil, 0)
		if err != nil {
			return err
		}
		u.scram[hash] = c
	}
	u.password = password
	return nil
}

func (u *user) setSCRAM(hash crypto.Hash, text string) error {
	if _, has := u.scram[hash]; has || u.password != "" {
		return errTwice
	}
	c, err := parseSCRAM(hash, text)
	u.scram[hash] = c
	return err
}

func parseSCRAM(hash crypto.Hash, text string) (c auth.SCRAMCredentials, err error) {
	fields := strings.Split(text, ",")
	if len(fields) != 4 {
		return c, errSCRAMText
	}
	c.Hash = hash
	if c.Iterations, err = strconv.Atoi(fields[0]); err != nil {
		return c, errSCRAMText
	}
	for i, to := range []*[]byte{&c.Salt, &c.StoredKey, &c.ServerKey} {
		if *to, err = base64.StdEncoding.DecodeString(fields[i+1]); err != nil {
			return c, errSCRAMText
		}
	}
	return c, c.Check()
}

// server offers what all users can use.
func (all users) server() (*auth.Server, error) {
	if len(all) == 0 {
		return nil, errNoUsers
	}
	hashes := []crypto.Hash{crypto.SHA256, crypto.SHA1}
	passwords := true
	for _, u := range all {
		hashes = slices.DeleteFunc(hashes, func(h crypto.Hash) bool { return u.scram[h].Hash != h })
		passwords = passwords && u.password != ""
	}
	if len(hashes) == 0 {
		return nil, errNoHash
	}
	// Users that do not exist are made up with a key of this run: one made of the file
	// would let who talks to the server try passwords against it.
	key := make([]byte, 32)
	rand.Read(key)
	s := &auth.Server{SCRAM: all.scram, SCRAMHashes: hashes, SCRAMKey: key, SCRAMIterations: all.iterations(hashes[0])}
	s.Password = s.SCRAMPassword
	if passwords {
		s.Secret = all.secret
	}
	return s, nil
}

func (all users) scram(hash crypto.Hash, username string) (auth.SCRAMCredentials, error) {
	if u := all[username]; u != nil {
		return u.scram[hash], nil
	}
	return auth.SCRAMCredentials{}, auth.ErrUnknownUser
}

func (all users) secret(username string) (string, error) {
	if u := all[username]; u != nil {
		return u.password, nil
	}
	return "", auth.ErrUnknownUser
}

// iterations returns the count that most users have; of several such the largest.
func (all users) iterations(hash crypto.Hash) int {
	counts := map[int]int{}
	for _, u := range all {
		counts[u.scram[hash].Iterations]++
	}
	best := 0
	for n, users := range counts {
		if cmp.Or(cmp.Compare(users, counts[best]), cmp.Compare(n, best)) > 0 {
			best = n
		}
	}
	return best
}
