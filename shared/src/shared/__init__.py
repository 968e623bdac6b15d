"""What Trueup's services agree on; every service rests on it and it imports none of them."""
