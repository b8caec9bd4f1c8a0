package store

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// Spec says which store to use, and where. The zero value is the one that discards.
type Spec struct {
	kind, path string
}

// The kinds of stores.
const (
	kindDiscard = "discard"
	kindStdout  = "stdout"
	kindJSONL   = "jsonl"
	kindMbox    = "mbox"
	kindMaildir = "maildir"
)

// ParseSpec reads discard, stdout, jsonl:FILE, mbox:FILE or maildir:DIR.
func ParseSpec(s string) (Spec, error) {
	kind, path, named := strings.Cut(s, ":")
	switch kind {
	case kindDiscard, kindStdout:
		if named {
			return Spec{}, fmt.Errorf("store %s: takes no file", kind)
		}
	case kindJSONL, kindMbox, kindMaildir:
		if path == "" {
			return Spec{}, fmt.Errorf("store %s: no file behind the colon", kind)
		}
	default:
		return Spec{}, fmt.Errorf("store %q: not one of discard, stdout, jsonl:FILE, mbox:FILE, maildir:DIR", s)
	}
	return Spec{kind, path}, nil
}

// UnmarshalText is ParseSpec, for flags.
func (s *Spec) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSpec(string(text))
	return err
}

// String returns what ParseSpec reads.
func (s Spec) String() string {
	switch {
	case s.kind == "":
		return kindDiscard
	case s.path == "":
		return s.kind
	}
	return s.kind + ":" + s.path
}

// Config is what stores need of the server. The zero value is usable, but for Stdout.
type Config struct {
	// Stdout is where the store "stdout" writes.
	Stdout io.Writer
	// Host is the name of this host, in the names of a maildir's files.
	// "" stands for that of the system.
	Host string
	// Trace puts the fields Return-Path and Received (RFC 5321 §4.4) in front of the
	// content in a maildir or mbox.
	Trace bool
}

// Open opens the store, and makes sure that it can be used: files and folders are made
// where they are missing, and what a death of the process left half written is taken
// away. It returns an error that wraps ErrForeign rather than append to a file that holds
// something else.
func (s Spec) Open(cfg Config) (Store, error) { return s.open(cfg, &disk{}) }

func (s Spec) open(cfg Config, d *disk) (Store, error) {
	if cfg.Host == "" {
		host, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
		cfg.Host = host
	}
	store, err := s.make(cfg, d)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", s.kind, err)
	}
	return store, nil
}

func (s Spec) make(cfg Config, d *disk) (Store, error) {
	switch s.kind {
	case kindStdout:
		return &printer{disk: d, out: cfg.Stdout}, nil
	case kindJSONL:
		return openJSONL(s.path, d)
	case kindMbox:
		return openMbox(s.path, cfg, d)
	case kindMaildir:
		return openMaildir(s.path, cfg, d)
	}
	return discard{}, nil
}
