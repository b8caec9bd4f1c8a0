package wire

// The classes of octets that paths and domains are made of (RFC 5321 §4.1.2,
// §4.1.3; octets of UTF-8 as in RFC 6531 §3.3). An octet may be in several.
const (
	octetAtom    uint8 = 1 << iota // atext, and octets of UTF-8
	octetLabel                     // Let-dig, "-", "_", and octets of UTF-8
	octetQuoted                    // qtextSMTP, and octets of UTF-8
	octetLiteral                   // dcontent, less the octets that other parts of a path use as delimiters
	octetTag                       // Ldh-str, of which a literal's tag consists

	octetAlnum = octetAtom | octetLabel | octetQuoted | octetLiteral | octetTag
	octetMark  = octetAtom | octetQuoted | octetLiteral
	octetUTF8  = octetAtom | octetLabel | octetQuoted
)

// octetClass is only ever read. Control octets, DEL, `"` and `\` have no class.
//
// RFC 5321 §4.1.3 makes `<`, `>` and `"` dcontent. No tag in use needs them, and
// a receiver that looks for the end of a path without knowing literals would
// find it in the wrong place.
var octetClass = [256]uint8{
	' ': octetQuoted,
	'!': octetMark, '#': octetMark, '$': octetMark, '%': octetMark, '&': octetMark, '\'': octetMark,
	'*': octetMark, '+': octetMark, '/': octetMark, '=': octetMark, '?': octetMark, '^': octetMark,
	'`': octetMark, '{': octetMark, '|': octetMark, '}': octetMark, '~': octetMark,
	'-': octetAlnum, '_': octetMark | octetLabel,
	'(': octetQuoted | octetLiteral, ')': octetQuoted | octetLiteral, ',': octetQuoted | octetLiteral,
	'.': octetQuoted | octetLiteral, ':': octetQuoted | octetLiteral, ';': octetQuoted | octetLiteral,
	'@': octetQuoted | octetLiteral, '<': octetQuoted, '>': octetQuoted, '[': octetQuoted, ']': octetQuoted,

	'0': octetAlnum, '1': octetAlnum, '2': octetAlnum, '3': octetAlnum, '4': octetAlnum,
	'5': octetAlnum, '6': octetAlnum, '7': octetAlnum, '8': octetAlnum, '9': octetAlnum,

	'A': octetAlnum, 'B': octetAlnum, 'C': octetAlnum, 'D': octetAlnum, 'E': octetAlnum, 'F': octetAlnum, 'G': octetAlnum,
	'H': octetAlnum, 'I': octetAlnum, 'J': octetAlnum, 'K': octetAlnum, 'L': octetAlnum, 'M': octetAlnum, 'N': octetAlnum,
	'O': octetAlnum, 'P': octetAlnum, 'Q': octetAlnum, 'R': octetAlnum, 'S': octetAlnum, 'T': octetAlnum, 'U': octetAlnum,
	'V': octetAlnum, 'W': octetAlnum, 'X': octetAlnum, 'Y': octetAlnum, 'Z': octetAlnum,

	'a': octetAlnum, 'b': octetAlnum, 'c': octetAlnum, 'd': octetAlnum, 'e': octetAlnum, 'f': octetAlnum, 'g': octetAlnum,
	'h': octetAlnum, 'i': octetAlnum, 'j': octetAlnum, 'k': octetAlnum, 'l': octetAlnum, 'm': octetAlnum, 'n': octetAlnum,
	'o': octetAlnum, 'p': octetAlnum, 'q': octetAlnum, 'r': octetAlnum, 's': octetAlnum, 't': octetAlnum, 'u': octetAlnum,
	'v': octetAlnum, 'w': octetAlnum, 'x': octetAlnum, 'y': octetAlnum, 'z': octetAlnum,

	0x80: octetUTF8, 0x81: octetUTF8, 0x82: octetUTF8, 0x83: octetUTF8, 0x84: octetUTF8, 0x85: octetUTF8, 0x86: octetUTF8, 0x87: octetUTF8,
	0x88: octetUTF8, 0x89: octetUTF8, 0x8a: octetUTF8, 0x8b: octetUTF8, 0x8c: octetUTF8, 0x8d: octetUTF8, 0x8e: octetUTF8, 0x8f: octetUTF8,
	0x90: octetUTF8, 0x91: octetUTF8, 0x92: octetUTF8, 0x93: octetUTF8, 0x94: octetUTF8, 0x95: octetUTF8, 0x96: octetUTF8, 0x97: octetUTF8,
	0x98: octetUTF8, 0x99: octetUTF8, 0x9a: octetUTF8, 0x9b: octetUTF8, 0x9c: octetUTF8, 0x9d: octetUTF8, 0x9e: octetUTF8, 0x9f: octetUTF8,
	0xa0: octetUTF8, 0xa1: octetUTF8, 0xa2: octetUTF8, 0xa3: octetUTF8, 0xa4: octetUTF8, 0xa5: octetUTF8, 0xa6: octetUTF8, 0xa7: octetUTF8,
	0xa8: octetUTF8, 0xa9: octetUTF8, 0xaa: octetUTF8, 0xab: octetUTF8, 0xac: octetUTF8, 0xad: octetUTF8, 0xae: octetUTF8, 0xaf: octetUTF8,
	0xb0: octetUTF8, 0xb1: octetUTF8, 0xb2: octetUTF8, 0xb3: octetUTF8, 0xb4: octetUTF8, 0xb5: octetUTF8, 0xb6: octetUTF8, 0xb7: octetUTF8,
	0xb8: octetUTF8, 0xb9: octetUTF8, 0xba: octetUTF8, 0xbb: octetUTF8, 0xbc: octetUTF8, 0xbd: octetUTF8, 0xbe: octetUTF8, 0xbf: octetUTF8,
	0xc0: octetUTF8, 0xc1: octetUTF8, 0xc2: octetUTF8, 0xc3: octetUTF8, 0xc4: octetUTF8, 0xc5: octetUTF8, 0xc6: octetUTF8, 0xc7: octetUTF8,
	0xc8: octetUTF8, 0xc9: octetUTF8, 0xca: octetUTF8, 0xcb: octetUTF8, 0xcc: octetUTF8, 0xcd: octetUTF8, 0xce: octetUTF8, 0xcf: octetUTF8,
	0xd0: octetUTF8, 0xd1: octetUTF8, 0xd2: octetUTF8, 0xd3: octetUTF8, 0xd4: octetUTF8, 0xd5: octetUTF8, 0xd6: octetUTF8, 0xd7: octetUTF8,
	0xd8: octetUTF8, 0xd9: octetUTF8, 0xda: octetUTF8, 0xdb: octetUTF8, 0xdc: octetUTF8, 0xdd: octetUTF8, 0xde: octetUTF8, 0xdf: octetUTF8,
	0xe0: octetUTF8, 0xe1: octetUTF8, 0xe2: octetUTF8, 0xe3: octetUTF8, 0xe4: octetUTF8, 0xe5: octetUTF8, 0xe6: octetUTF8, 0xe7: octetUTF8,
	0xe8: octetUTF8, 0xe9: octetUTF8, 0xea: octetUTF8, 0xeb: octetUTF8, 0xec: octetUTF8, 0xed: octetUTF8, 0xee: octetUTF8, 0xef: octetUTF8,
	0xf0: octetUTF8, 0xf1: octetUTF8, 0xf2: octetUTF8, 0xf3: octetUTF8, 0xf4: octetUTF8, 0xf5: octetUTF8, 0xf6: octetUTF8, 0xf7: octetUTF8,
	0xf8: octetUTF8, 0xf9: octetUTF8, 0xfa: octetUTF8, 0xfb: octetUTF8, 0xfc: octetUTF8, 0xfd: octetUTF8, 0xfe: octetUTF8, 0xff: octetUTF8,
}

// span returns how many octets of the class s begins with, and all their bits.
func span(s string, class uint8) (n int, bits byte) {
	for n < len(s) && octetClass[s[n]]&class != 0 {
		bits |= s[n]
		n++
	}
	return n, bits
}
