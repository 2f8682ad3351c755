package document

import "slices"

// Overlay gives a mapping with the entries of both; where both have a key, over wins, and down to depth levels two
// mappings are laid over each other in turn. Either may be nil. A null in over does not hide what lies beneath.
func Overlay(base, over *Node, depth int) *Node {
	switch {
	case over == nil || over.Kind == Null:
		return base
	case base == nil || base.Kind != Mapping || over.Kind != Mapping || depth == 0:
		return over
	}
	sum := &Node{Kind: Mapping, Place: over.Place, Entries: slices.Clone(over.Entries)}
	for _, e := range base.Entries {
		i := slices.IndexFunc(sum.Entries, func(o Entry) bool { return o.Key == e.Key })
		if i < 0 {
			sum.Entries = append(sum.Entries, e)
			continue
		}
		sum.Entries[i].Value = Overlay(e.Value, sum.Entries[i].Value, depth-1)
	}
	return sum
}

// Select gives the mapping with the entries whose key passes.
func (n *Node) Select(pass func(key string) bool) *Node {
	if n == nil || n.Kind != Mapping {
		return n
	}
	kept := *n
	kept.Entries = slices.DeleteFunc(slices.Clone(n.Entries), func(e Entry) bool { return !pass(e.Key) })
	return &kept
}
