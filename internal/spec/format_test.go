package spec_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stranglerfig/strangler/internal/spec"
)

func TestWhatIsFormattedIsReadBackUnchanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		defs := drawDefinitions(t)
		text, err := spec.FormatYAML(defs)
		if err != nil {
			t.Fatal(err)
		}
		back, _, err := spec.ParseYAML("round-trip.yaml", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if diff := cmp.Diff(defs, back); diff != "" {
			t.Fatalf("%s\n%s", diff, text)
		}
		if back.Digest() != defs.Digest() {
			t.Fatal("the digest changed on the way")
		}
	})
}
