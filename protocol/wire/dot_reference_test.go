package wire_test

import (
	"regexp"
	"strings"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// The reference says on whole strings what the codecs do on pieces. It shares
// no idea with them: strings are split, joined and searched by expression.

var (
	toCRLF         = strings.NewReplacer("\r\n", "\r\n", "\r", "\r\n", "\n", "\r\n")
	dotBehindAny   = regexp.MustCompile(`(\A|[\r\n])\.`)
	dotBehindCRLF  = regexp.MustCompile(`(\A|\r\n)\.`)
	unfinishedDots = regexp.MustCompile(`(\A|\r\n)\.\r\z`)
)

// refEncode returns the encoded form of content. Where the policy refuses it,
// bareAt is the offset of the first bare CR or LF and encoded what goes out
// ahead of it; otherwise bareAt is -1.
func refEncode(eol wire.EOL, content string) (encoded string, bareAt int) {
	switch eol {
	case wire.EOLVerbatim:
		encoded = dotBehindAny.ReplaceAllString(content, "$1..")
		switch {
		case encoded == "" || strings.HasSuffix(encoded, "\r\n"):
		case strings.HasSuffix(encoded, "\r"):
			encoded += "\n"
		default:
			encoded += "\r\n"
		}
		return encoded + ".\r\n", -1
	case wire.EOLStrict:
		pairsOut := strings.ReplaceAll(content, "\r\n", "xx")
		if at := strings.IndexAny(pairsOut, "\r\n"); at >= 0 {
			return refStuff(content[:at]), at
		}
	default:
		content = toCRLF.Replace(content)
	}
	if content != "" && !strings.HasSuffix(content, "\r\n") {
		content += "\r\n"
	}
	return refStuff(content) + ".\r\n", -1
}

// refStuff doubles leading dots in content without bare CR or LF.
func refStuff(content string) string {
	lines := strings.Split(content, "\r\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") {
			lines[i] = "." + line
		}
	}
	return strings.Join(lines, "\r\n")
}

type dotDecoded struct {
	content string
	n       int
	done    bool
	bare    bool
}

func refDecode(input string) dotDecoded {
	d := dotDecoded{n: len(input)}
	raw := input
	if strings.HasPrefix(input, ".\r\n") {
		raw, d.n, d.done = "", len(".\r\n"), true
	} else if content, _, found := strings.Cut(input, "\r\n.\r\n"); found {
		raw, d.n, d.done = content+"\r\n", len(content)+len("\r\n.\r\n"), true
	}
	known := raw
	if !d.done {
		known = strings.TrimSuffix(raw, "\r") // its LF may follow
	}
	d.bare = strings.ContainsAny(strings.ReplaceAll(known, "\r\n", ""), "\r\n")
	if unfinishedDots.MatchString(raw) {
		raw = known
	}
	d.content = dotBehindCRLF.ReplaceAllString(raw, "$1")
	return d
}
