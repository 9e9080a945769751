from kiro_trio.kiro.tally import Tally


def test_remarks_are_counted_in_the_order_of_their_first_appearance():
    tally = Tally()
    for remark, times in (("b", 1), ("a", 2), ("b", 3), ("c", 0)):
        tally.note(remark, times)
    assert tally.warnings() == ("b (4)", "a (2)")
