package compare_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

// orders is a body of about 100 bytes an element. With another spelling its
// keys stand in another order, and white space between them.
func orders(from, to int, otherwise bool) string {
	var b strings.Builder
	b.WriteString(`{"items":[`)
	for i := from; i < to; i++ {
		if i > from {
			b.WriteByte(',')
		}
		if otherwise {
			fmt.Fprintf(&b, "\n { \"total\": %d.50, \"sku\": \"SKU-%06d\", \"name\": \"a thing of some kind\", \"tags\": [\"a\", \"b\"], \"open\": true, \"id\": %d }", i*7, i, i)
		} else {
			fmt.Fprintf(&b, `{"id":%d,"sku":"SKU-%06d","name":"a thing of some kind","tags":["a","b"],"total":%d.5,"open":true}`, i, i, i*7)
		}
	}
	return b.String() + "]}"
}

func withoutIDs(body string) string {
	return strings.NewReplacer(`"id"`, `"no"`, `"sku"`, `"article"`, `"name"`, `"label"`).Replace(body)
}

func BenchmarkCompare(b *testing.B) {
	for _, c := range []struct{ name, legacy, fresh string }{
		{"10KB_identical", orders(0, 100, false), orders(0, 100, false)},
		{"10KB_equal_by_id", orders(0, 100, false), orders(0, 100, true)},
		{"10KB_equal_by_place", withoutIDs(orders(0, 100, false)), withoutIDs(orders(0, 100, true))},
		{"1MB_shifted_by_one", withoutIDs(orders(0, 5000, false)), withoutIDs(orders(1, 5001, false))},
		{"1MB_shifted_by_one_respelt", withoutIDs(orders(0, 5000, false)), withoutIDs(orders(1, 5001, true))},
		{"1MB_one_put_in_front", withoutIDs(orders(1, 5000, false)), withoutIDs(orders(0, 5000, true))},
		{"1MB_shifted_by_one_with_ids", orders(0, 5000, false), orders(1, 5001, true)},
	} {
		b.Run(c.name, func(b *testing.B) {
			legacy, fresh := answer("application/json", c.legacy), answer("application/json", c.fresh)
			b.SetBytes(int64(len(c.legacy) + len(c.fresh)))
			b.ReportAllocs()
			for b.Loop() {
				compare.Compare(legacy, fresh, compare.Options{Bodies: true})
			}
		})
	}
}
