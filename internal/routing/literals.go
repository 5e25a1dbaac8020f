package routing

import (
	"encoding/binary"
	"math/bits"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// literalTable leads from a node to another by a literal, in one step however
// many literals the node has: open addressing with linear probing, less than
// half full. A Go map needs three cache lines where this needs one.
type literalTable struct {
	slots []literalEdge // a power of two
	shift uint8         // keeps as many of a hash's high bits as number the slots
	texts string        // all literals, each once and followed by a slash, which none contains
}

// literalEdge is a slot of the table; an empty one leads to no node.
type literalEdge struct {
	from, to nodeID
	text     uint32 // where it begins in texts
}

// find returns the node behind a literal, 0 without one.
func (t *literalTable) find(from nodeID, text string) nodeID {
	for i := t.slot(from, text); ; i = (i + 1) & (len(t.slots) - 1) {
		edge := &t.slots[i]
		if edge.to == 0 || edge.from == from && t.is(edge.text, text) {
			return edge.to
		}
	}
}

// slot is where the search for an edge begins.
func (t *literalTable) slot(from nodeID, text string) int {
	return int((hashText(text) + uint64(from)) * spread >> t.shift)
}

// spread is 2⁶⁴ over the golden ratio; times it, numbers near each other differ
// in their high bits.
const spread = 0x9E3779B97F4A7C15

// hashText reads all of a text of usual length by two overlapping loads and
// folds their product, as wyhash does; xxhash takes twice as long to begin.
func hashText(text string) uint64 {
	var head, tail uint64
	switch n := len(text); {
	case n > 16:
		return xxhash.Sum64String(text)
	case n >= 8:
		head = binary.LittleEndian.Uint64([]byte(text[:8]))
		tail = binary.LittleEndian.Uint64([]byte(text[n-8:]))
	case n >= 4:
		head = uint64(binary.LittleEndian.Uint32([]byte(text[:4])))
		tail = uint64(binary.LittleEndian.Uint32([]byte(text[n-4:])))
	case n > 0:
		head = uint64(text[0])<<8 | uint64(text[n/2])
		tail = uint64(text[n-1])
	}
	high, low := bits.Mul64(head^spread, tail+uint64(len(text))*spread)
	return high ^ low
}

// is reports whether text is the literal that begins at a place in texts.
func (t *literalTable) is(at uint32, text string) bool {
	literal := t.texts[at:]
	return strings.HasPrefix(literal, text) && literal[len(text)] == '/'
}

// newLiteralTable makes a table of edges whose literals begin in texts.
func newLiteralTable(edges []literalEdge, texts string) literalTable {
	size := bits.Len(uint(2 * len(edges)))
	t := literalTable{slots: make([]literalEdge, 1<<size), shift: uint8(64 - size), texts: texts}
	for _, edge := range edges {
		text, _, _ := strings.Cut(texts[edge.text:], "/")
		i := t.slot(edge.from, text)
		for t.slots[i].to != 0 {
			i = (i + 1) & (len(t.slots) - 1)
		}
		t.slots[i] = edge
	}
	return t
}
