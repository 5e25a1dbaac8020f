package spec_test

import (
	"fmt"
	"testing"

	"github.com/stranglerfig/strangler/internal/spec"
)

func TestData(t *testing.T) {
	for _, data := range []string{"shared", "synced", "separate"} {
		if got := problems(t, fmt.Sprintf(aroundRoute, "data: "+data)); got != "" {
			t.Errorf("%s: %s", data, got)
		}
	}
	want := `f.yaml:11:11: route "r": data is "split": write shared, synced or separate`
	if got := problems(t, fmt.Sprintf(aroundRoute, "data: split")); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	shared := spec.Definitions{Routes: []spec.Route{{Name: "r", Data: "shared"}}}
	absent := spec.Definitions{Routes: []spec.Route{{Name: "r"}}}
	if shared.Digest() != absent.Digest() {
		t.Error("data: shared is not what is absent")
	}
}

func TestWritesAreSplitWhereTheDataIsSeparate(t *testing.T) {
	tests := []struct {
		data    string
		methods []string
		want    bool
	}{
		{"separate", nil, true},
		{"separate", []string{"GET", "HEAD", "OPTIONS", "TRACE"}, false},
		{"separate", []string{"GET", "PUT"}, true},
		{"separate", []string{"PROPFIND"}, true},
		{"synced", nil, false},
		{"shared", nil, false},
		{"", nil, false},
	}
	for _, test := range tests {
		route := spec.Route{Name: "r", Match: spec.Match{Path: "/", Methods: test.methods}, New: "n", Data: test.data}
		if got := route.Facts().SplitWrites; got != test.want {
			t.Errorf("%q with %v: %t, want %t", test.data, test.methods, got, test.want)
		}
	}
}
