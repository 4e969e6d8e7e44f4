"""What editors check the catalogue's files by while they are written: a JSON schema for each file, made from its model."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from ingest.catalog.documents import FILES
from ingest.catalog.schemas import CommodityFile
from quality.typed import Document


class _Untitled(GenerateJsonSchema):
    """Without a title for each key, which would only say the key again."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Set none."""
        return False


def schemas() -> dict[str, dict[str, Any]]:
    """Give the schema of each file by its name; `commodity.json` is that of every file under `commodities/`.

    It knows keys, types and bounds of single values. What entries may not contradict, `alumina catalog check` says.
    """
    models: dict[str, type[Document]] = {**{name.removesuffix(".toml"): model for name, model in FILES.items()}, "commodity": CommodityFile}
    return {f"{name}.json": model.model_json_schema(schema_generator=_Untitled) for name, model in sorted(models.items())}
