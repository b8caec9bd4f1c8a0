package auth

import (
	"slices"
	"strings"

	"github.com/sansmtp/sansmtp/protocol"
)

// List is mechanisms in the order in which Client.Login prefers them:
//
//	client.Login(auth.Password("", "user", secret)...)
type List []protocol.Mechanism

// strength lists the names of all mechanisms here, the strongest first (H-A2).
func strength() []string {
	return []string{
		MechanismExternal,
		MechanismSCRAMSHA256Plus, MechanismSCRAMSHA1Plus, MechanismSCRAMSHA256, MechanismSCRAMSHA1,
		MechanismOAUTHBEARER, MechanismXOAUTH2,
		MechanismCRAMMD5, MechanismPlain, MechanismLogin,
		MechanismAnonymous,
	}
}

// rank is the place of a name in strength; -1 for a mechanism of the caller's own,
// who put it in because it is to be used.
func rank(name string) int {
	return slices.IndexFunc(strength(), func(s string) bool { return strings.EqualFold(s, name) })
}

// Strongest returns the mechanisms ordered by strength, the strongest first:
// EXTERNAL, SCRAM with channel binding, SCRAM without, OAUTHBEARER, XOAUTH2,
// CRAM-MD5, PLAIN, LOGIN, ANONYMOUS. Mechanisms that are not made by this package
// come first, in the order given.
func Strongest(mechanisms ...protocol.Mechanism) List {
	list := slices.Clone(mechanisms)
	slices.SortStableFunc(list, func(a, b protocol.Mechanism) int { return rank(a.Name) - rank(b.Name) })
	return list
}

// Password returns every mechanism for a user name and a password, the strongest
// first. identity is whom to act as, "" for the user; where it is set, CRAM-MD5 and
// LOGIN are left out, which cannot say it.
func Password(identity, username, password string) List {
	list := List{
		SCRAMSHA256Plus(identity, username, password),
		SCRAMSHA1Plus(identity, username, password),
		SCRAMSHA256(identity, username, password),
		SCRAMSHA1(identity, username, password),
	}
	if identity == "" {
		list = append(list, CRAMMD5(username, password))
	}
	list = append(list, Plain(identity, username, password))
	if identity == "" {
		list = append(list, Login(username, password))
	}
	return list
}

// Token returns the mechanisms for an OAuth 2.0 bearer token, the strongest first.
// host and port are those of OAuthBearer.
func Token(username, host string, port uint16, token string) List {
	return List{OAuthBearer(username, host, port, token), XOAuth2(username, token)}
}

// AtLeast returns the mechanisms that are as strong as the one named or stronger,
// in the order of l. Of the mechanisms for a password MechanismCRAMMD5 leaves those
// that do not show it to the server, and MechanismSCRAMSHA1 those by which the server
// proves itself too. The error is a *protocol.ConfigError: no such mechanism is
// known, or none is left.
func (l List) AtLeast(name string) (List, error) {
	floor := rank(name)
	if floor < 0 {
		return nil, &protocol.ConfigError{Field: "AUTH", Reason: "unknown mechanism"}
	}
	return l.keep(func(m protocol.Mechanism) bool { return rank(m.Name) <= floor })
}

// Only returns the mechanisms that are named, in any case, in the order of l: one
// alone is thereby forced. The error is a *protocol.ConfigError: a name is not in
// l, or there is none.
func (l List) Only(names ...string) (List, error) {
	for _, name := range names {
		if !slices.ContainsFunc(l, func(m protocol.Mechanism) bool { return strings.EqualFold(m.Name, name) }) {
			return nil, &protocol.ConfigError{Field: "AUTH", Reason: "unknown mechanism"}
		}
	}
	return l.keep(func(m protocol.Mechanism) bool {
		return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(m.Name, name) })
	})
}

func (l List) keep(wanted func(protocol.Mechanism) bool) (List, error) {
	kept := slices.DeleteFunc(slices.Clone(l), func(m protocol.Mechanism) bool { return !wanted(m) })
	if len(kept) == 0 {
		return nil, &protocol.ConfigError{Field: "AUTH", Reason: "no mechanism is left"}
	}
	return kept, nil
}
