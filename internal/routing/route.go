package routing

// Route is one compiled, valid route. It is immutable, and tables made by
// Reassign share it.
type Route struct {
	Index      int // position in the definitions given to Compile
	Name       string
	Definition Definition // its Assigned is zero; ask Table.Assigned, which Reassign moves
}

// CatchAll reports whether the route stands for "no route of the migration
// matched": prefix /, any host, no methods, no conditions, no new backend.
func (r *Route) CatchAll() bool {
	m := &r.Definition.Match
	return m.Prefix == "/" && m.Host == "" && len(m.Methods) == 0 &&
		len(m.Headers) == 0 && len(m.Query) == 0 && r.Definition.New == ""
}
