package routing

// signed is how many characters of a token's end tell it from others: 384 bits.
const signed = 64

// Identity says whose request it was, for those who count visitors: a hash of the
// key that a decided by, else of the first key of the group's chain that the
// request has, else of its client's address. All routers have the same for one
// visitor, nobody outside can choose it, and it says nothing about points.
//
// A claim that decided nothing is not read, which costs more than all the rest:
// there the end of the bearer token stands for it, its signature. It allocates
// nothing.
func (r *Route) Identity(req *Request, a *Assignment) uint64 {
	if a.Keyed {
		return a.Identity
	}
	return identified(r.cohort.visitor(req))
}

// visitor is the hash of whoever a request is from.
func (c *cohort) visitor(req *Request) uint64 {
	for i := range c.keys {
		k := &c.keys[i]
		if k.Kind == KeyClaim {
			if token := bearer(req); token != "" {
				return c.salt.hash(c.chain.salt, token[max(len(token)-signed, 0):])
			}
			continue
		}
		if v, ok := c.ask(k, req, nil, 0); ok {
			return v.hash
		}
	}
	address := req.Client.As16()
	return c.salt.hash(c.chain.salt, string(address[:]))
}

// identified makes another hash of one. The smallest of those that are counted are
// kept, so they must not be those of the keys below a weight, nor of those sampled.
func identified(hash uint64) uint64 {
	const golden = 0x9e3779b97f4a7c15 // 2⁶⁴ by the golden ratio: nothing up the sleeve
	return scattered(hash ^ golden)
}
