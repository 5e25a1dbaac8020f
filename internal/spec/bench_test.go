package spec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/spec"
)

// large is a file of 10,000 routes.
func large() []byte {
	var text strings.Builder
	text.WriteString("backends:\n  - name: old\n    endpoints: [http://127.0.0.1:1]\n  - name: fresh\n    endpoints: [http://127.0.0.1:2]\n")
	text.WriteString("groups:\n  - name: users\n    keys: [{header: X-User-Id}, mint]\nroutes:\n")
	for i := range 10_000 {
		fmt.Fprintf(&text, "  - name: route-%d\n    match: {path: \"/r%d/{id:[0-9]+}\", methods: [GET]}\n    legacy: old\n    new: fresh\n    group: users\n", i, i)
	}
	return []byte(text.String())
}

func BenchmarkParse10000(b *testing.B) {
	text := large()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, _, err := spec.ParseYAML("large.yaml", text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkApplyAgain10000(b *testing.B) {
	file, src, err := spec.ParseYAML("large.yaml", large())
	if err != nil {
		b.Fatal(err)
	}
	defs, err := spec.Apply(spec.Current{}, file, src, false)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		again, err := spec.Apply(spec.Current{Definitions: defs}, file, src, false)
		if err != nil {
			b.Fatal(err)
		}
		if changes := spec.Diff(defs, again); changes != nil {
			b.Fatalf("%d changes", len(changes))
		}
	}
}

func BenchmarkDigest10000(b *testing.B) {
	defs, _, err := spec.ParseYAML("large.yaml", large())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		defs.Digest()
	}
}
