package auth_test

import (
	"testing"

	"github.com/stranglerfig/strangler/internal/auth"
)

func TestEachRoleIncludesTheOnesBeforeIt(t *testing.T) {
	roles := []auth.Role{auth.Viewer, auth.Operator, auth.Admin}
	for i, holder := range roles {
		for j, need := range roles {
			if got, want := holder.Allows(need), i >= j; got != want {
				t.Errorf("%s.Allows(%s) = %t, want %t", holder, need, got, want)
			}
		}
	}
}

func TestAnUnknownRoleAllowsNothing(t *testing.T) {
	for _, pair := range [][2]auth.Role{{"", auth.Viewer}, {"root", auth.Viewer}, {auth.Admin, ""}, {auth.Admin, "root"}, {"", ""}} {
		if pair[0].Allows(pair[1]) {
			t.Errorf("%q.Allows(%q) = true", pair[0], pair[1])
		}
	}
}

func TestParseRole(t *testing.T) {
	for _, name := range []string{"viewer", "operator", "admin"} {
		if role, err := auth.ParseRole(name); err != nil || string(role) != name {
			t.Errorf("ParseRole(%q) = %q, %v", name, role, err)
		}
	}
	for _, name := range []string{"", "Admin", "owner", "admin "} {
		if role, err := auth.ParseRole(name); err == nil {
			t.Errorf("ParseRole(%q) = %q, want an error", name, role)
		}
	}
}
