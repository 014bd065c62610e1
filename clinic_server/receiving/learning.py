"""What the makers' article numbers in codes stand for: learnt from the first delivery, held against every later one."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from clinic_server.kit.tx import Tx
from clinic_server.receiving.lookup import Article, DeliveryFacts, LineFacts, article_of, packing_list
from clinic_server.receiving.rules import ArticleUnknown, CodeOfOtherProduct, PackageLevel, PackageNotListed
from clinic_server.receiving.tables import LearntArticle
from clinic_server.staff.actions import require_signed_in
from clinic_server.stock.actions import require_product
from clinic_server.stock.scans import UnitScan
from clinic_server.stock.whereabouts import STOCK


def refuse_other_product(known: Article | None, line: LineFacts, trace_code: str) -> None:
    """Raise CodeOfOtherProduct if an article number is known to stand for another product than the line's."""
    if known is not None and known.product_id != line.product_id:
        raise CodeOfOtherProduct(trace_code=trace_code, known=known.product_name, chosen=line.product_name)


def refuse_whole_package(known: Article | None, trace_code: str) -> None:
    """Raise PackageNotListed if an article number is known to stand on cartons or packs."""
    if known is not None and known.level is not PackageLevel.UNIT:
        raise PackageNotListed(trace_code=trace_code)


def learn_articles(tx: Tx, found: DeliveryFacts, arrived: Mapping[UUID, Sequence[tuple[str, str | None]]]) -> None:
    """Learn the new article numbers of a delivery's codes, or raise CodeOfOtherProduct where two lines contradict."""
    for line in found.lines:
        units = [(code, article, PackageLevel.UNIT) for code, article in arrived.get(line.line_id, ())]
        listed = packing_list(tx.connection, line.line_id)
        packed = [(one.code, UnitScan(one.code).article, one.level) for one in listed]
        _learn(tx, line, [*units, *packed])


def teach_article(tx: Tx, article: str, product_code: str) -> UUID:
    """Put right what an article number stands for, or raise ArticleUnknown or ProductUnknown."""
    require_signed_in(tx)
    known = article_of(tx.connection, article)
    if known is None:
        raise ArticleUnknown
    learnt_id = _append(tx, article, require_product(tx.connection, product_code).product_id, known.level)
    tx.journal("article_taught", learnt_id, STOCK)
    return learnt_id


def _learn(tx: Tx, line: LineFacts, codes: Iterable[tuple[str, str | None, PackageLevel]]) -> None:
    seen: set[str] = set()
    for code, article, level in codes:
        if article is None or article in seen:
            continue
        seen.add(article)
        known = article_of(tx.connection, article)
        refuse_other_product(known, line, code)
        if known is None:
            _append(tx, article, line.product_id, level)


def _append(tx: Tx, article: str, product_id: UUID, level: PackageLevel) -> UUID:
    learnt = {"article": article, "product_id": product_id, "level": level}
    return tx.append(LearntArticle, **learnt, learnt_by=tx.actor.staff_id, learnt_at=tx.now)
