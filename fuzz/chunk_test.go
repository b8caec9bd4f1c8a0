// Package fuzz holds the fuzz targets and their seed corpora. Every input of a
// codec carries its own chunking, so that a fault which shows at one cut only
// can be found, kept and replayed.
package fuzz

// cuts divides p as seed says: each octet of seed is the length of a piece, zero
// for an empty one, and seed is used in turn until p is gone. Without seed, or
// with one of zeros alone, what is left is one piece. The pieces are apart from
// each other and from p in memory, so that no codec can rely on what lies
// behind a piece.
func cuts(p, seed []byte) [][]byte {
	var pieces [][]byte
	for len(p) > 0 {
		before := len(p)
		for _, length := range seed {
			n := min(int(length), len(p))
			pieces = append(pieces, append([]byte{}, p[:n]...))
			p = p[n:]
		}
		if len(p) == before {
			return append(pieces, append([]byte{}, p...))
		}
	}
	return pieces
}
