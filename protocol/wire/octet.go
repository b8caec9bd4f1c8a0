package wire

// The classes of octets that paths and domains are made of (RFC 5321 §4.1.2 and
// §4.1.3, with RFC 6531 §3.3). An octet of 0x80 or above is in a class if it may be
// part of a character there; whether it makes one is for checkUTF8 to say.
const (
	octetAtom    uint8 = 1 << iota // atext
	octetLabel                     // what a sub-domain consists of, and the underscore
	octetQuoted                    // qtextSMTP
	octetLiteral                   // dcontent, but for three octets
	octetTag                       // what the tag of an address literal consists of

	octetLdh  = octetAtom | octetLabel | octetQuoted | octetLiteral | octetTag
	octetMark = octetAtom | octetQuoted | octetLiteral
	octetUTF8 = octetAtom | octetLabel | octetQuoted
)

// octetClass is only ever read. Control octets and DEL have no class, nor have `"`
// and `\`. The grammar makes `<`, `>` and `"` dcontent; see ParsePath for why they
// are none here.
var octetClass = [256]uint8{
	' ': octetQuoted,
	'!': octetMark, '#': octetMark, '$': octetMark, '%': octetMark, '&': octetMark, '\'': octetMark,
	'*': octetMark, '+': octetMark, '/': octetMark, '=': octetMark, '?': octetMark, '^': octetMark,
	'`': octetMark, '{': octetMark, '|': octetMark, '}': octetMark, '~': octetMark,
	'-': octetLdh, '_': octetMark | octetLabel,
	'(': octetQuoted | octetLiteral, ')': octetQuoted | octetLiteral, ',': octetQuoted | octetLiteral,
	'.': octetQuoted | octetLiteral, ':': octetQuoted | octetLiteral, ';': octetQuoted | octetLiteral,
	'@': octetQuoted | octetLiteral, '<': octetQuoted, '>': octetQuoted, '[': octetQuoted, ']': octetQuoted,

	'0': octetLdh, '1': octetLdh, '2': octetLdh, '3': octetLdh, '4': octetLdh,
	'5': octetLdh, '6': octetLdh, '7': octetLdh, '8': octetLdh, '9': octetLdh,

	'A': octetLdh, 'B': octetLdh, 'C': octetLdh, 'D': octetLdh, 'E': octetLdh, 'F': octetLdh, 'G': octetLdh,
	'H': octetLdh, 'I': octetLdh, 'J': octetLdh, 'K': octetLdh, 'L': octetLdh, 'M': octetLdh, 'N': octetLdh,
	'O': octetLdh, 'P': octetLdh, 'Q': octetLdh, 'R': octetLdh, 'S': octetLdh, 'T': octetLdh, 'U': octetLdh,
	'V': octetLdh, 'W': octetLdh, 'X': octetLdh, 'Y': octetLdh, 'Z': octetLdh,

	'a': octetLdh, 'b': octetLdh, 'c': octetLdh, 'd': octetLdh, 'e': octetLdh, 'f': octetLdh, 'g': octetLdh,
	'h': octetLdh, 'i': octetLdh, 'j': octetLdh, 'k': octetLdh, 'l': octetLdh, 'm': octetLdh, 'n': octetLdh,
	'o': octetLdh, 'p': octetLdh, 'q': octetLdh, 'r': octetLdh, 's': octetLdh, 't': octetLdh, 'u': octetLdh,
	'v': octetLdh, 'w': octetLdh, 'x': octetLdh, 'y': octetLdh, 'z': octetLdh,

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

// span returns how many octets of the class s begins with, and the bits of all of
// them together: the highest tells whether there is more than ASCII.
func span(s string, class uint8) (n int, bits byte) {
	for n < len(s) && octetClass[s[n]]&class != 0 {
		bits |= s[n]
		n++
	}
	return n, bits
}
