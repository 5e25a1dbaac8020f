package stats

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// ErrMalformed says that bytes are not an encoded Window.
var ErrMalformed = errors.New("these are not the statistics of a lane")

const codecVersion = 1

// MarshalBinary encodes the window: a byte for the version, From and To in
// milliseconds since 1970, the numbers, the buckets that are not empty, and the
// hashes. Equal windows have equal encodings, of 24 bytes for one that saw nothing
// and 35 KiB at most.
func (w *Window) MarshalBinary() ([]byte, error) {
	return w.AppendBinary(nil)
}

// AppendBinary appends what MarshalBinary returns. There is no error.
func (w *Window) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, codecVersion)
	b = binary.AppendVarint(b, w.From.UnixMilli())
	b = binary.AppendVarint(b, w.To.UnixMilli())
	b = appendCounts(b, w.Classes[:])
	for _, n := range []uint64{w.Failures, w.Fallbacks, w.Slow} {
		b = binary.AppendUvarint(b, n)
	}
	b = appendCounts(b, w.Latency.counts)
	for _, d := range []*Distinct{&w.Exposed, &w.Failed, &w.Slowed} {
		b = binary.AppendUvarint(b, d.settled)
		b = binary.AppendUvarint(b, uint64(len(d.hashes)))
		for _, hash := range d.hashes {
			b = binary.BigEndian.AppendUint64(b, hash)
		}
	}
	return b, nil
}

// appendCounts appends how many of the counts are not 0, and each of these with
// how many are 0 before it.
func appendCounts(b []byte, counts []uint64) []byte {
	filled, gap := 0, 0
	for _, n := range counts {
		if n > 0 {
			filled++
		}
	}
	b = binary.AppendUvarint(b, uint64(filled))
	for _, n := range counts {
		if n == 0 {
			gap++
			continue
		}
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(gap)), n)
		gap = 0
	}
	return b
}

// UnmarshalBinary decodes what MarshalBinary returned, in the memory that w holds
// already where that is enough. After an error, which matches ErrMalformed, w is
// empty.
func (w *Window) UnmarshalBinary(data []byte) error {
	in := input{rest: data}
	w.decode(&in)
	if len(in.rest) > 0 {
		in.refuse("%d bytes are left over", len(in.rest))
	}
	if in.err != nil {
		*w = Window{}
		return in.err
	}
	return nil
}

func (w *Window) decode(in *input) {
	if version := in.byte(); version != codecVersion {
		in.refuse("they are of version %d, and this router reads version %d: a newer one wrote them, and an upgrade can read them", version, codecVersion)
		return
	}
	w.From, w.To = in.time(), in.time()
	if w.To.Before(w.From) {
		in.refuse("they end at %v, before they begin at %v", w.To, w.From)
	}
	in.counts(in.number(), w.Classes[:])
	requests := w.Requests()
	w.Failures, w.Fallbacks, w.Slow = in.part(requests), in.part(requests), in.part(requests)
	w.Latency.decode(in, requests)
	w.Exposed.decode(in)
	w.Failed.decode(in)
	w.Slowed.decode(in)
}

func (h *Histogram) decode(in *input, requests uint64) {
	filled := in.number()
	if filled > 0 && h.counts == nil {
		h.counts = make([]uint64, buckets)
	}
	in.counts(filled, h.counts)
	if measured := h.Count(); measured > requests {
		in.refuse("%d requests were measured, of %d", measured, requests)
	}
}

func (d *Distinct) decode(in *input) {
	d.settled, d.hashes = in.number(), d.hashes[:0]
	n := in.number()
	if n > DistinctExact || n*8 > uint64(len(in.rest)) {
		in.refuse("%d hashes are announced: at most %d are kept, and %d bytes follow", n, DistinctExact, len(in.rest))
		return
	}
	last := uint64(0)
	for i := range n {
		hash := binary.BigEndian.Uint64(in.rest[8*i:])
		if i > 0 && hash <= last {
			in.refuse("hash %x is not in order", hash)
			return
		}
		d.hashes, last = append(d.hashes, hash), hash
	}
	in.rest = in.rest[8*n:]
}

// input is what is left to decode. After the first error nothing is left, and all
// further numbers are 0.
type input struct {
	rest []byte
	err  error
}

func (in *input) refuse(format string, args ...any) {
	if in.err == nil {
		in.err = fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
	}
	in.rest = nil
}

func (in *input) byte() byte {
	if len(in.rest) == 0 {
		in.refuse("they end too early")
		return 0
	}
	b := in.rest[0]
	in.rest = in.rest[1:]
	return b
}

func (in *input) time() time.Time {
	milli, n := binary.Varint(in.rest)
	if n <= 0 {
		in.refuse("they end within a time")
		return time.Time{}
	}
	in.rest = in.rest[n:]
	return time.UnixMilli(milli).UTC()
}

func (in *input) number() uint64 {
	v, n := binary.Uvarint(in.rest)
	switch {
	case n <= 0:
		in.refuse("they end within a number")
		return 0
	case v > mostCounted:
		in.refuse("they count %d of one thing, more than can be", v)
		return 0
	}
	in.rest = in.rest[n:]
	return v
}

// part reads a number of which there cannot be more than of the whole.
func (in *input) part(whole uint64) uint64 {
	n := in.number()
	if n > whole {
		in.refuse("%d of %d requests", n, whole)
	}
	return n
}

// counts reads what appendCounts wrote behind the number of those that are filled.
func (in *input) counts(filled uint64, into []uint64) {
	clear(into)
	next := uint64(0)
	for range filled {
		at := next + in.number()
		n := in.number()
		if at >= uint64(len(into)) || n == 0 {
			in.refuse("a count of %d stands at place %d of %d", n, at, len(into))
			return
		}
		into[at], next = n, at+1
	}
}
