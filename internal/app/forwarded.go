package app

import "github.com/stranglerfig/strangler/internal/api"

// UntrustedForwarders implements api.Forwarders.
func (r *Router) UntrustedForwarders() []api.Forwarder {
	var all []api.Forwarder
	for _, f := range r.proxy.UntrustedForwarders() {
		all = append(all, api.Forwarder(f))
	}
	return all
}
