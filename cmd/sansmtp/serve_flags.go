package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// serveTLS says when a server uses TLS.
type serveTLS string

const (
	tlsOff      serveTLS = "off"
	tlsStart    serveTLS = "starttls"
	tlsRequired serveTLS = "required"
	tlsImplicit serveTLS = "implicit"
)

// UnmarshalText reads a mode.
func (m *serveTLS) UnmarshalText(text []byte) error {
	switch mode := serveTLS(strings.ToLower(string(text))); mode {
	case tlsOff, tlsStart, tlsRequired, tlsImplicit:
		*m = mode
		return nil
	}
	return fmt.Errorf("%q is none of off, starttls, required, implicit", text)
}

// byteSize is a number of octets: "10MiB", "1000".
type byteSize int64

// UnmarshalText reads a size.
func (s *byteSize) UnmarshalText(text []byte) error {
	number, factor := string(text), int64(1)
	for i, suffix := range []string{"KiB", "MiB", "GiB"} {
		if rest, ok := strings.CutSuffix(number, suffix); ok {
			number, factor = rest, 1<<(10*(i+1))
		}
	}
	n, err := strconv.ParseUint(number, 10, 63)
	if err != nil || int64(n) > math.MaxInt64/factor {
		return fmt.Errorf("%q is no size in octets, KiB, MiB or GiB", text)
	}
	*s = byteSize(int64(n) * factor)
	return nil
}

// extensionEdits are extensions to turn on and off.
type extensionEdits struct{ on, off wire.ExtensionSet }

// managed are the extensions that other flags turn on, if any does.
const managed = wire.StartTLS | wire.Auth | wire.XClient | wire.Limits | wire.FutureRelease

// UnmarshalText reads "DSN=on,CHUNKING=off": the keywords of EHLO, in any case.
func (e *extensionEdits) UnmarshalText(text []byte) error {
	for word := range strings.SplitSeq(string(text), ",") {
		keyword, state, _ := strings.Cut(word, "=")
		extension, known := wire.ExtensionByKeyword(keyword)
		switch {
		case !known:
			return fmt.Errorf("%q: no such extension", keyword)
		case state == "off":
			e.off |= extension
		case state != "on":
			return fmt.Errorf("%q: neither on nor off", word)
		case managed.Has(extension):
			return fmt.Errorf("%q: not turned on by this flag", keyword)
		default:
			e.on |= extension
		}
	}
	return nil
}
