package routing_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"pgregory.net/rapid"

	"github.com/stranglerfig/strangler/internal/routing"
)

func TestPublishedPoints(t *testing.T) {
	text, err := os.ReadFile("testdata/cohort-points.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Salt, Key, Hash string
		Point           int
	}
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) < 10 {
		t.Fatalf("only %d vectors", len(vectors))
	}
	for _, v := range vectors {
		if hash := fmt.Sprintf("%016x", xxhash.Sum64String(v.Salt+"\x00"+v.Key)); hash != v.Hash {
			t.Errorf("salt %q, key %q: hash %s, published %s", v.Salt, v.Key, hash, v.Hash)
		}
		if point := routing.Point(v.Salt, v.Key); point != v.Point {
			t.Errorf("salt %q, key %q: point %d, published %d", v.Salt, v.Key, point, v.Point)
		}
	}
}

// However long salt and key are, Point and Assign hash them alike.
func TestPointsOfAllLengths(t *testing.T) {
	letters := strings.Repeat("abcdefghijklmnopqrstuvwxyz", 12)
	def := canary(5000, routing.Key{Kind: routing.KeyHeader, Name: "X-User-Id"})
	for saltLength := range 70 {
		def.Group.Salt = letters[:saltLength]
		table := routing.Compile(1, []routing.Definition{def})
		for keyLength := 1; keyLength < 300; keyLength++ {
			key := letters[len(letters)-keyLength:]
			want := int(xxhash.Sum64String(letters[:saltLength]+"\x00"+key) >> 32 * 10000 >> 32)
			req := &routing.Request{Method: "GET", Path: "/", Header: oneHeader(key)}
			point, assigned := routing.Point(letters[:saltLength], key), table.Assign(table.Route("r"), req).Point
			if point != want || int(assigned) != want {
				t.Fatalf("salt of %d, key of %d bytes: Point says %d, Assign %d, want %d", saltLength, keyLength, point, assigned, want)
			}
		}
	}
}

// side is where a user goes at a weight, as a table decides it.
func side(table *routing.Table, user string) routing.Side {
	req := &routing.Request{Method: "GET", Path: "/", Header: oneHeader(user)}
	return table.Assign(table.Match(req), req).Side
}

// oneHeader is a request's header with the user's id and nothing else.
type oneHeader string

func (h oneHeader) Get(string) string      { return string(h) }
func (h oneHeader) Values(string) []string { return []string{string(h)} }

func TestRaisingAWeightMovesNobodyBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		def := canary(0, routing.Key{Kind: routing.KeyHeader, Name: "X-User-Id"})
		def.Group.Salt = rapid.String().Draw(t, "salt")
		at := func(weight int) *routing.Table {
			def.Assigned.Weight = routing.Weight(weight)
			return routing.Compile(1, []routing.Definition{def})
		}
		low := rapid.IntRange(0, 10000).Draw(t, "low")
		high := rapid.IntRange(low, 10000).Draw(t, "high")
		user := rapid.StringN(1, 40, -1).Draw(t, "user")
		if side(at(low), user) == routing.New && side(at(high), user) == routing.Legacy {
			t.Fatalf("user %q is on new at %d and on legacy at %d", user, low, high)
		}
		if side(at(0), user) != routing.Legacy || side(at(10000), user) != routing.New {
			t.Fatalf("user %q: nothing is not nothing, or all is not all", user)
		}
	})
}

// The share of new stays within five standard deviations of the weight,
// however regular the keys are.
func TestShareIsNearTheWeight(t *testing.T) {
	const users = 20000
	random := rand.New(rand.NewPCG(1, 2))
	for name, id := range map[string]func(i int) string{
		"sequential": func(i int) string { return fmt.Sprint(i) },
		"padded":     func(i int) string { return fmt.Sprintf("%012d", i) },
		"random":     func(int) string { return fmt.Sprintf("%016x%016x", random.Uint64(), random.Uint64()) },
		"networks":   func(i int) string { return fmt.Sprintf("10.%d.%d.0/24", i/256, i%256) },
	} {
		for _, weight := range []int{1, 100, 1000, 2500, 5000, 9900} {
			moved := 0
			for i := range users {
				if routing.Point(salt, id(i)) < weight {
					moved++
				}
			}
			p := float64(weight) / 10000
			if off := math.Abs(float64(moved) - users*p); off > 5*math.Sqrt(users*p*(1-p)) {
				t.Errorf("%s ids: %d of %d at weight %d", name, moved, users, weight)
			}
		}
	}
}

// With a weak hash 34.5 % of 200 sequential ids went to new at a weight of 10 %.
func TestShareOfFewUsers(t *testing.T) {
	moved := 0
	for salts := range 50 {
		for i := range 200 {
			if routing.Point(fmt.Sprint("salt", salts), fmt.Sprint(i)) < 1000 {
				moved++
			}
		}
	}
	if moved < 850 || moved > 1150 {
		t.Errorf("%d of 10000, want about 1000", moved)
	}
}

// Two groups must not send the same users first: their points are uncorrelated,
// and half of one quarter of the users lies in no particular half of the other.
func TestGroupsAreIndependent(t *testing.T) {
	const users = 20000
	for _, salts := range [][2]string{{"a", "b"}, {"group-1", "group-2"}, {salt, salt + "x"}, {"", "\x00"}} {
		var sum float64
		both := 0
		for i := range users {
			p, q := routing.Point(salts[0], fmt.Sprint(i)), routing.Point(salts[1], fmt.Sprint(i))
			sum += (float64(p) - 4999.5) * (float64(q) - 4999.5)
			if p < 2500 && q < 2500 {
				both++
			}
		}
		const variance = 10000.0 * 10000 / 12
		if correlation := sum / users / variance; math.Abs(correlation) > 5/math.Sqrt(users) {
			t.Errorf("salts %q: correlation %.4f", salts, correlation)
		}
		if p := 1.0 / 16; math.Abs(float64(both)-users*p) > 5*math.Sqrt(users*p*(1-p)) {
			t.Errorf("salts %q: %d of %d users are early in both", salts, both, users)
		}
	}
}

func TestRoutesOfOneGroupMoveTheSameUsers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		group := routing.Group{Name: "g", Salt: rapid.String().Draw(t, "salt"), Keys: []routing.Key{{Kind: routing.KeyHeader, Name: "X-User-Id"}}}
		var defs []routing.Definition
		for _, path := range []string{"/form", "/submit"} {
			def := define(path, routing.Match{Path: path})
			def.Group, def.Assigned = group, routing.Assigned{Stage: routing.StageCanary, Weight: 5000}
			defs = append(defs, def)
		}
		table := routing.Compile(1, defs)
		user := oneHeader(rapid.StringN(1, 40, -1).Draw(t, "user"))
		form := table.Assign(table.Route("/form"), &routing.Request{Header: user})
		submit := table.Assign(table.Route("/submit"), &routing.Request{Header: user})
		if form.Point != submit.Point || form.Side != submit.Side {
			t.Fatalf("user %q: %+v and %+v", user, form, submit)
		}
	})
}
