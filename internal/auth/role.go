package auth

import "fmt"

// ParseRole reads a role's name.
func ParseRole(name string) (Role, error) {
	role := Role(name)
	if role.rank() == 0 {
		return "", fmt.Errorf("unknown role %q: want viewer, operator or admin", name)
	}
	return role, nil
}

// Allows reports whether a holder of r may do what needs need. An unknown role
// allows nothing, and nothing but a known role can be needed.
func (r Role) Allows(need Role) bool {
	return need.rank() > 0 && r.rank() >= need.rank()
}

// rank is 0 for what is no role.
func (r Role) rank() int {
	switch r {
	case Viewer:
		return 1
	case Operator:
		return 2
	case Admin:
		return 3
	default:
		return 0
	}
}
