package spec

import (
	"fmt"
	"slices"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/routing"
)

// Rewrite is how requests are changed on their way to each side; a side that
// is not written gets them as they came, byte for byte.
type Rewrite struct {
	Legacy *SideRewrite `json:"legacy,omitempty" yaml:"legacy,omitempty"`
	New    *SideRewrite `json:"new,omitempty" yaml:"new,omitempty"`
}

// SideRewrite is the rewriting of one side. In templates stand the parameters
// of the route's match, without their patterns.
type SideRewrite struct {
	StripPrefix   string            `json:"strip_prefix,omitempty" yaml:"strip_prefix,omitempty"` // template that match begins with
	AddPrefix     string            `json:"add_prefix,omitempty" yaml:"add_prefix,omitempty"`
	Path          string            `json:"path,omitempty" yaml:"path,omitempty"` // in place of match's template; excludes the two above
	Host          string            `json:"host,omitempty" yaml:"host,omitempty"` // with or without a port
	SetHeaders    map[string]string `json:"set_headers,omitempty" yaml:"set_headers,omitempty"`
	RemoveHeaders []string          `json:"remove_headers,omitempty" yaml:"remove_headers,omitempty"`
}

// maxHeaders bounds each of the two lists of headers.
const maxHeaders = 32

// Rewriting returns how the requests of one side are rewritten, compiled; nil:
// not at all. Problems are everything that is wrong with it; the Rewrite then
// lets no request pass.
func (r Route) Rewriting(side routing.Side) (*exchange.Rewrite, Problems) {
	written := r.Rewrite.side(side)
	if written == nil {
		return nil, nil
	}
	rewrite, faults := exchange.CompileRewrite(written.definition(r.match()))
	found := findings{kind: KindRoute, name: r.Name, index: absent}
	found.rewriteFaults(side, faults)
	return rewrite, Source{}.problems(found.list)
}

func (r *Rewrite) side(side routing.Side) *SideRewrite {
	switch {
	case r == nil:
		return nil
	case side == routing.New:
		return r.New
	default:
		return r.Legacy
	}
}

func (s *SideRewrite) definition(match routing.Match) exchange.RewriteDefinition {
	return exchange.RewriteDefinition{
		Match: match, StripPrefix: s.StripPrefix, AddPrefix: s.AddPrefix, Path: s.Path, Host: s.Host,
		SetHeaders: s.SetHeaders, RemoveHeaders: s.RemoveHeaders,
	}
}

// checkRewrite finds what is wrong with the rewriting of one side.
func (r Route) checkRewrite(side routing.Side, found *findings) {
	written := r.Rewrite.side(side)
	if written == nil {
		return
	}
	field := fmt.Sprintf("rewrite.%s.", side)
	if found.tooMany(field+"set_headers", CodeRewrite, len(written.SetHeaders), maxHeaders) ||
		found.tooMany(field+"remove_headers", CodeRewrite, len(written.RemoveHeaders), maxHeaders) {
		return
	}
	_, faults := exchange.CompileRewrite(written.definition(r.match()))
	found.rewriteFaults(side, faults)
}

func (f *findings) rewriteFaults(side routing.Side, faults []exchange.RewriteFault) {
	for _, fault := range faults {
		f.add(fmt.Sprintf("rewrite.%s.%s", side, fault.Field), CodeRewrite, "side %s: %s", side, fault.Message)
	}
}

// normalized drops what is empty, so that rewrite: {new: {}} equals no rewrite.
func (r *Rewrite) normalized() *Rewrite {
	if r == nil {
		return nil
	}
	out := Rewrite{Legacy: r.Legacy.normalized(), New: r.New.normalized()}
	if out == (Rewrite{}) {
		return nil
	}
	return &out
}

func (s *SideRewrite) normalized() *SideRewrite {
	if s == nil {
		return nil
	}
	out := *s
	out.RemoveHeaders = sortedBy(s.RemoveHeaders, func(name string) string { return name })
	if len(out.SetHeaders) == 0 {
		out.SetHeaders = nil
	}
	texts := []string{out.StripPrefix, out.AddPrefix, out.Path, out.Host}
	if out.SetHeaders == nil && out.RemoveHeaders == nil && !slices.ContainsFunc(texts, func(s string) bool { return s != "" }) {
		return nil
	}
	return &out
}
