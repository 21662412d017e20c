/** Gives fields without a description of their own what `api/fields` says of them. */
import SchemaBuilder, {
  BasePlugin,
  type PothosInputFieldConfig,
  type PothosOutputFieldConfig,
  type SchemaTypes,
} from "@pothos/core";
import { meaningOf } from "../../fields/describe.ts";

const NAME = "describedFields";

declare global {
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      [NAME]: DescribedFieldsPlugin<Types>;
    }
  }
}

class DescribedFieldsPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onOutputFieldConfig(field: PothosOutputFieldConfig<Types>): PothosOutputFieldConfig<Types> {
    return { ...field, description: field.description ?? meaningOf(field.name, field.parentType) };
  }

  override onInputFieldConfig(field: PothosInputFieldConfig<Types>): PothosInputFieldConfig<Types> {
    return { ...field, description: field.description ?? meaningOf(field.name, field.parentType) };
  }
}

SchemaBuilder.registerPlugin(NAME, DescribedFieldsPlugin);

export default NAME;
