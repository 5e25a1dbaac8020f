package stats_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/stats"
)

// seen returns a window of so many requests by so many keys.
func seen(seed uint64, requests, keys int) *stats.Window {
	random := rand.New(rand.NewPCG(9, seed))
	known := draw(random, keys)
	begin := noon.Add(time.Duration(seed) * 5 * time.Second)
	r := stats.NewRecorder(begin)
	r.SetSlow(50 * time.Millisecond)
	for range requests {
		r.Record(stats.Sample{
			Key: known[random.IntN(keys)], At: begin, Took: spreads["like answers of a backend"](random),
			Class: uint8(random.IntN(9)), Failed: random.IntN(50) == 0, Fallback: random.IntN(90) == 0, Drawn: true,
		})
	}
	w := r.Drain(begin.Add(5 * time.Second))
	return &w
}

func encoded(t *testing.T, w *stats.Window) []byte {
	t.Helper()
	data, err := w.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// merged returns all that these windows saw.
func merged(windows ...*stats.Window) *stats.Window {
	var all stats.Window
	for _, w := range windows {
		all.Merge(w)
	}
	return &all
}

func TestMergedWindowsAreTheSameInAnyOrder(t *testing.T) {
	a, b, c := seen(1, 4000, 3000), seen(2, 1, 1), seen(3, 900, 100)
	nothing := new(stats.Window)
	want := encoded(t, merged(a, b, c))
	for name, other := range map[string]*stats.Window{
		"(a b) c": merged(merged(a, b), c), "a (b c)": merged(a, merged(b, c)), "c b a": merged(c, b, a),
		"with nothing": merged(nothing, a, nothing, b, c, nothing),
	} {
		if !bytes.Equal(encoded(t, other), want) {
			t.Errorf("%s differs from a b c", name)
		}
	}
	all := merged(a, b, c)
	if all.Requests() != 4901 || all.Failures != a.Failures+b.Failures+c.Failures || all.Slow != a.Slow+b.Slow+c.Slow ||
		all.Latency.Count() != 4901 || !all.From.Equal(a.From) || !all.To.Equal(c.To) {
		t.Errorf("%+v from %v to %v is not all of them", numbersOf(all), all.From, all.To)
	}
}

func TestAWindowIsDecodedAsItWasEncoded(t *testing.T) {
	settled := seen(4, 5000, 4000)
	settled.Settle()
	settled.Merge(seen(5, 10, 4))
	var reused stats.Window
	for name, w := range map[string]*stats.Window{
		"nothing": {}, "idle": seen(0, 0, 1), "one": seen(1, 1, 1), "some": seen(2, 300, 40), "many": seen(3, 40_000, 9000), "settled": settled,
	} {
		data := encoded(t, w)
		var fresh stats.Window
		for into, got := range map[string]*stats.Window{"fresh": &fresh, "reused": &reused} {
			if err := got.UnmarshalBinary(data); err != nil {
				t.Fatalf("%s, %s: %v", name, into, err)
			}
			if diff := gocmp.Diff(numbersOf(w), numbersOf(got)); diff != "" {
				t.Errorf("%s, %s (-encoded +decoded):\n%s", name, into, diff)
			}
			if !got.From.Equal(w.From) || !got.To.Equal(w.To) || got.Latency.Quantile(0.95) != w.Latency.Quantile(0.95) {
				t.Errorf("%s, %s: from %v to %v, and %v", name, into, got.From, got.To, got.Latency.Quantile(0.95))
			}
			if !bytes.Equal(encoded(t, got), data) {
				t.Errorf("%s, %s: encoded anew it differs", name, into)
			}
		}
	}
}

func TestAnEncodedWindowIsSmall(t *testing.T) {
	var full stats.Window
	r := stats.NewRecorder(noon)
	r.SetSlow(1)
	for i, key := range hashed(6, 100_000) {
		r.Record(stats.Sample{Key: key, At: noon, Took: spreads["over all magnitudes"](rand.New(rand.NewPCG(9, uint64(i)))), Failed: true, Drawn: true})
	}
	full = r.Drain(noon)
	for _, c := range []struct {
		name string
		w    *stats.Window
		most int
	}{
		{"that saw nothing", seen(0, 0, 1), 24},
		{"of one request", seen(1, 1, 1), 40},
		{"of a busy lane", seen(2, 5000, 500), 9 << 10},
		{"that is full", &full, 39 << 10},
	} {
		n := len(encoded(t, c.w))
		t.Logf("one %s: %d bytes", c.name, n)
		if n > c.most {
			t.Errorf("one %s takes %d bytes, want %d at most", c.name, n, c.most)
		}
	}
}

// The encoding is what routers of different versions have in common in a store:
// what an older one wrote must be read for ever, and a key must have one hash.
func TestTheEncodingStaysAsItIs(t *testing.T) {
	r := stats.NewRecorder(noon)
	r.SetSlow(time.Second)
	r.Record(stats.Sample{Key: 1, At: noon, Took: time.Millisecond, Drawn: true})
	r.Record(stats.Sample{Key: 2, At: noon.Add(time.Minute), Took: 2 * time.Second, Class: 4, Failed: true, Fallback: true, Drawn: true})
	w := r.Drain(noon.Add(5 * time.Second))
	const first, second = "2a1138a2fab301b1", "86c92758eb73afc8" // keys 2 and 1
	const want = "01" + "80e8ead6c168" + "90b6ebd6c168" +        // version, from, to
		"02" + "0001" + "0301" + // two classes: 0, and 4 behind three empty ones
		"01" + "01" + "01" + // failures, fallbacks, slow
		"02" + "dd0201" + "dd0201" + // two buckets
		"0002" + first + second + "0001" + first + "0001" + first
	if got := hex.EncodeToString(encoded(t, &w)); got != want {
		t.Errorf("encoded as\n%s, want\n%s", got, want)
	}
}

func TestMalformedWindowsAreRefused(t *testing.T) {
	const (
		head  = "\x01" + "\x00" + "\x00" // version, from, to
		plain = head + "\x01\x00\x05"    // five requests of class 0
		body  = plain + "\x00\x00\x00"   // failures, fallbacks, slow
		tail  = "\x00\x00\x00\x00\x00\x00"
	)
	for _, c := range []struct{ name, data, want string }{
		{"nothing", "", "they end too early"},
		{"another version", "\x02" + body[1:] + "\x00" + tail, "they are of version 2, and this router reads version 1"},
		{"no time", "\x01", "they end within a time"},
		{"a time without an end", "\x01\x80\x80", "they end within a time"},
		{"an end before the beginning", "\x01\x02\x00", "before they begin"},
		{"classes that lack", head + "\x02\x00\x05", "they end within a number"},
		{"a class too many", head + "\x01\x10\x05", "a count of 5 stands at place 16 of 16"},
		{"a class of nothing", head + "\x01\x00\x00", "a count of 0 stands at place 0 of 16"},
		{"a gap that overflows", head + "\x02\x00\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x05", "more than can be"},
		{"a number that is too large", head + "\x01\x00\x81\x80\x80\x80\x80\x80\x40", "more than can be"},
		{"more failures than requests", plain + "\x06\x00\x00", "6 of 5 requests"},
		{"more fallbacks than requests", plain + "\x00\x06\x00", "6 of 5 requests"},
		{"more slow ones than requests", plain + "\x00\x00\x06", "6 of 5 requests"},
		{"more measured than requests", body + "\x01\x00\x06" + tail, "6 requests were measured, of 5"},
		{"a bucket too many", body + "\x01\xa0\x08\x01" + tail, "a count of 1 stands at place 1056 of 1056"},
		{"hashes that lack", body + "\x00" + "\x00\x01", "1 hashes are announced"},
		{"hashes beyond the most", body + "\x00" + "\x00\x81\x08" + strings.Repeat("\xff", 8200), "1025 hashes are announced"},
		{"hashes out of order", body + "\x00" + "\x00\x02" + strings.Repeat("\xff", 16) + tail, "hash ffffffffffffffff is not in order"},
		{"something left over", body + "\x00" + tail + "\x00", "1 bytes are left over"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := seen(1, 10, 10)
			err := w.UnmarshalBinary([]byte(c.data))
			if !errors.Is(err, stats.ErrMalformed) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that says %q", err, c.want)
			}
			if diff := gocmp.Diff(&stats.Window{}, w, unexported); diff != "" {
				t.Errorf("after an error the window is not empty:\n%s", diff)
			}
		})
	}
	if err := new(stats.Window).UnmarshalBinary([]byte(body + "\x00" + tail)); err != nil {
		t.Errorf("what all of these are made of is refused: %v", err)
	}
}

func TestATruncatedWindowIsRefused(t *testing.T) {
	data := encoded(t, seen(2, 300, 40))
	for end := range data {
		if err := new(stats.Window).UnmarshalBinary(data[:end]); !errors.Is(err, stats.ErrMalformed) {
			t.Fatalf("the first %d of %d bytes: error %v", end, len(data), err)
		}
	}
}

func FuzzWindow(f *testing.F) {
	for seed := range uint64(4) {
		data, _ := seen(seed, int(seed)*40, 30).MarshalBinary()
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var w, again stats.Window
		if err := w.UnmarshalBinary(data); err != nil {
			if !errors.Is(err, stats.ErrMalformed) {
				t.Fatalf("error %v is not ErrMalformed", err)
			}
			return
		}
		canonical := encoded(t, &w)
		if err := again.UnmarshalBinary(canonical); err != nil || !bytes.Equal(encoded(t, &again), canonical) {
			t.Fatalf("encoded anew it is not the same: error %v", err)
		}
		if both := merged(&w, &again); both.Requests() != 2*w.Requests() || both.Latency.Count() != 2*w.Latency.Count() {
			t.Fatalf("twice %+v is %+v", numbersOf(&w), numbersOf(both))
		}
		if q := w.Latency.Quantile(0.95); w.Latency.Count() > 0 && (q.Low > q.Value || q.Value >= q.High) {
			t.Fatalf("quantile %+v", q)
		}
		w.Settle()
	})
}
